"""Checks `live/*`, one module per id."""
