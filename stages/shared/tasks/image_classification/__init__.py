"""Image classification: one of C classes for each image."""
