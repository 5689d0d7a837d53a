"""Data sets of labelled images, one file each."""
