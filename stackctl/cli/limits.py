"""The limits that a key or a team can have: their names on the command line and in the admin API."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class Limit(StrEnum):
    """What `--remove` takes away."""

    BUDGET = "budget"
    SOFT_BUDGET = "soft-budget"
    RPM = "rpm"
    TPM = "tpm"
    MAX_PARALLEL = "max-parallel"
    MODELS = "models"


_FIELDS = {
    Limit.BUDGET: ("max_budget", "budget_duration"),
    Limit.SOFT_BUDGET: ("soft_budget",),
    Limit.RPM: ("rpm_limit",),
    Limit.TPM: ("tpm_limit",),
    Limit.MAX_PARALLEL: ("max_parallel_requests",),
    Limit.MODELS: ("models",),
}


def fields_of(limits: Iterable[Limit]) -> list[str]:
    """The fields of the admin API that make up these limits."""
    return [field for limit in limits for field in _FIELDS[limit]]
