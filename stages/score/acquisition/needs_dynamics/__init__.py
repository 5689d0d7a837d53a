"""Acquisition functions of what training showed; every candidate was trained on."""
