"""Errors of means, learning curves, rounding: they know nothing of a run."""
