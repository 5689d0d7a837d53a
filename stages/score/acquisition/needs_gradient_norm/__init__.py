"""Acquisition functions of the signal gradient_norm, in predict_pool.signals."""
