"""Plan: what `dvc repro` will run, how long that takes on this machine, and what will not fit.

    python -m commands.plan
    python -m commands.plan -S train_ensemble.members=8    with another setting, as `dvc exp run`

Reads   params.yaml, dvc.yaml and dvc.lock; data/prepared/meta.json where that is up to date, and
        else the data set, without decoding its images
Writes  nothing: what it measures with lies in a temporary folder

overrides.py    params.yaml with other settings
graph.py        which stages run, which DVC has
data_sets.py    how many samples there are or will be
work.py         how many updates and samples each stage makes of its settings
finished.py     members that the resume folder has
trials.py       each model trains and predicts for a moment, on samples of generated.py
estimates.py    seconds, memory and disk of each stage, and what will not fit
shown.py        the text
"""
