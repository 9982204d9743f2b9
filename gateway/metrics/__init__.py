"""Counting: the catalogue, the files processes count into, and the page made of them."""
