"""The process tree: the master and what it starts."""
