"""What changed between revisions of the project: in their selections, results and settings.

    python -m commands.compare main HEAD              git revisions, names of experiments
    python -m commands.compare main                   a revision with the workspace
    python -m commands.compare main HEAD --markdown comment.md --html changes.html
    python -m commands.compare a b c --csv overlap.csv --picture overlap.png
    python -m commands.compare --artifacts main HEAD  which stage wrote something else first
    python -m commands.compare --artifacts one two    the same of two clones, by their folders

For every two of the revisions, as Markdown for a comment on a pull request: accuracies on test, and
their change with its 95 % interval, paired by what both have in common; parameters that differ;
which samples were added and removed, with the Jaccard index of the subsets as multisets; class
shares; rank correlation of the scores and overlap of the picks (commands/compare/rankings.py says
how). Samples are the same where their sample ids are. --html writes a page of its own, with
pictures of what was added and removed.

It is a command for people and no stage: it writes nothing unless asked to. What is not here is
said in a line, with the command that fetches it.
"""
