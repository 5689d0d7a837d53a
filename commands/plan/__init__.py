"""Plan: what `dvc repro` will run, how long that takes on this machine, and what will not fit.

    python -m commands.plan

Reads   params.yaml, dvc.yaml and dvc.lock; data/prepared/meta.json where that is up to date, and
        else the names of the files below dataset.root
Writes  nothing: what it measures with lies in a temporary folder

A command for people and no stage: no stage's code imports it, so DVC does not watch this folder.

graph.py        which stages run, which DVC has
data.py         how many samples there are or will be
work.py         trainings, passes and FLOPs of each stage
calibration.py  how fast this machine is; trials.py: each model trains and predicts for a moment,
                on data of generated.py
finished.py     members that the resume folder has
estimates.py    seconds and memory of each stage
disk.py         bytes that each stage writes
limits.py       what will not fit, and which setting would make it fit
shown.py        the text
"""
