"""Checks `alert/*`, one module per id."""
