"""What is said of a run: the verdict, the next step, how much data is needed."""
