"""A finished run, as read from its files."""
