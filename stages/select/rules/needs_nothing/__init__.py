"""Rules that read scores and random numbers."""
