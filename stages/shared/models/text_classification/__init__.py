"""Text classifiers, one file each."""
