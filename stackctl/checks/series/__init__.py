"""Checks `series/*`, one module per id."""
