"""Checks `route/*`, one module per id."""
