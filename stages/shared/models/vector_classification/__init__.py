"""Heads: small classifiers of vectors."""
