"""Text classification: one of C classes for each text."""
