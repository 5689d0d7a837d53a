"""Data sets of vectors."""
