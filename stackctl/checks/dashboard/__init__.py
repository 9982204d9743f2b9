"""Checks `dashboard/*`, one module per id."""
