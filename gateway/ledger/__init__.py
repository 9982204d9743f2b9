"""The durable record of every request's cost: Row -> spool -> database. Nobody else writes either."""

from gateway.ledger.row import Row, Values
from gateway.ledger.spool import SpoolWriter

__all__ = ["Row", "SpoolWriter", "Values"]
