"""Data sets of labelled texts, one file each."""
