"""Rules that need one label for each sample: of what was predicted, the label's part."""
