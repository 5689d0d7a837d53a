"""Object detectors, one file each."""
