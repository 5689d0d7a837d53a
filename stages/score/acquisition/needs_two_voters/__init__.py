"""Acquisition functions that are the same for all samples with one voter."""
