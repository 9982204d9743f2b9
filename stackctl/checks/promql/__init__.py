"""Checks `promql/*`, one module per id."""
