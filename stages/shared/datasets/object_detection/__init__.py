"""Data sets of images with boxes, one file each."""
