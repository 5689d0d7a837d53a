"""Acquisition functions of what every ensemble predicts."""
