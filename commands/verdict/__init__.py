"""The verdict over runs that differ by their random seed alone.

    python -m commands.verdict exp-a exp-b exp-c      experiments or git revisions
    python -m commands.verdict                        all experiments of the current commit,
                                                  in groups of equal settings
    python -m commands.verdict workspace              the files as they lie here

    python -m commands.verdict workspace --metric ensemble_accuracy

`--metric` takes another metric in place of `report.metric`. `ensemble_<metric>` is that of all
members of a draw together, whose rows are the draws alone: one draw has no interval then.

A run has as many draws of the subsets as `random_seeds` says; the draws of all runs are taken
together, and a single run has the verdict of metrics/verdict.txt. Each draw must have a random seed
of its own. Everything else in params.yaml must be equal, and so must the prepared data; that the
code is the same is for you to know.

It is a command for people and no stage: it writes nothing.
"""
