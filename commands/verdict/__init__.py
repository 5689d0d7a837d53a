"""The verdict over runs that differ by their random seed alone.

    python -m commands.verdict exp-a exp-b exp-c      experiments or git revisions
    python -m commands.verdict                        all experiments of the current commit
    python -m commands.verdict workspace              the files as they lie here

With three random seeds or more the interval is the t-interval of the paired differences of the
runs, so that it speaks of other draws of the subsets too; a single run has the interval of
metrics/verdict.txt. Everything else in params.yaml must be equal, and so must the prepared data;
that the code is the same is for you to know.

It is a command for people and no stage: it writes nothing.
"""
