"""Answers that need not be bought twice."""

from gateway.cache.controls import Controls
from gateway.cache.identity import Scope, identity_of
from gateway.cache.memory import MemoryStore
from gateway.cache.store import Entry, Store

__all__ = ["Controls", "Entry", "MemoryStore", "Scope", "Store", "identity_of"]
