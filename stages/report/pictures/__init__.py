"""Charts, and galleries of samples."""
