"""Proof that an alert really reaches its receiver, hop by hop, with times and evidence."""

from stackctl.proof.endpoints import Endpoints, Options
from stackctl.proof.follow import Event, OnUpdate
from stackctl.proof.hops import AlertProof, Hop, HopState, Outcome, Proof
from stackctl.proof.leftovers import cleanup_leftovers
from stackctl.proof.run import SPEND_ALERTS, prove_alerts, validate
from stackctl.proof.verdict import as_result

__all__ = [
    "SPEND_ALERTS",
    "AlertProof",
    "Endpoints",
    "Event",
    "Hop",
    "HopState",
    "OnUpdate",
    "Options",
    "Outcome",
    "Proof",
    "as_result",
    "cleanup_leftovers",
    "prove_alerts",
    "validate",
]
