"""Answers that need not be bought twice."""

from gateway.cache.batches import Batch, Batches
from gateway.cache.controls import Controls
from gateway.cache.identity import Scope, identity_of
from gateway.cache.memory import MemoryStore
from gateway.cache.store import Entry, Store

__all__ = ["Batch", "Batches", "Controls", "Entry", "MemoryStore", "Scope", "Store", "identity_of"]
