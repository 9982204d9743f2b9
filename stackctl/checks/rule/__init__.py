"""Checks `rule/*`, one module per id."""
