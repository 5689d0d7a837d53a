"""Rules that read the last layer's inputs: features, in predict_pool.signals."""
