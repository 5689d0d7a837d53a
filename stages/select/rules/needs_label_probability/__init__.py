"""Rules that read the label's probability: tasks whose samples have one label."""
