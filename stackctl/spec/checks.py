"""The spec's section `checks`: what `stackctl check` shall pass over, and the budget it holds the stack to."""

import datetime

from pydantic import Field

from stackctl.spec.section import Section, empty_list


class Ignore(Section):
    """One finding that is known and accepted for a time."""

    check: str = Field(description="The check's id, such as promql/zero-guard, or a group: promql/*.")
    target: str = Field(
        "*",
        description="What it is about: an alert's or a record's name, or dashboard-uid/panel title; * stands for any text.",
    )
    reason: str = Field(min_length=5, description="Why it is accepted. Somebody will read it when it expires.")
    until: datetime.date = Field(description="The last day it holds. After that it is an error of its own.")


class Checks(Section):
    """What `stackctl check` demands."""

    ignore: list[Ignore] = Field(
        default_factory=empty_list, description="Findings to pass over, each with a reason and a day."
    )
    max_series: int = Field(
        150_000,
        ge=1,
        description="How many series the gateway may make, by a static estimate. Prometheus needs some 8 kB of memory "
        "for each; the scrape's sample_limit of 200 000 must stay out of reach.",
    )
    expected_keys: int = Field(
        100,
        ge=1,
        description="How many virtual keys the estimate assumes; more than are declared, as keys are made at run time.",
    )
