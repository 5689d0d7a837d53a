"""Write params.yaml anew: presets/default.yaml, what a preset changes of it, and settings of yours.

A preset, presets/<name>.yaml, holds only the keys whose values are others than those of
presets/default.yaml. A map changes the keys that it names; with the tag `!replace`, as in
`length: !replace {epochs: 20}`, it takes the place of the whole map. Lists and single values always
do.

presets.py      what a preset stands for
heads.py        the list of presets
replaced.py     what was set in a params.yaml before
"""
