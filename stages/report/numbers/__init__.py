"""What is worked out of a run: means and their errors, costs, learning curves, tables."""
