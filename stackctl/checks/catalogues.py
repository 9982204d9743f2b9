"""Catalogues as the index of series the checks ask, with what the data says about labels turned into bounds."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from stackctl.catalogue.load import BUNDLED, STACK, load_catalogue, parse_catalogue
from stackctl.errors import UsageError
from stackctl.promql import Interval, Series, SeriesIndex
from stackctl.promql.shape import ANY, NOT_NEGATIVE, ONE

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from stackctl.catalogue.metric import Catalogue
    from stackctl.catalogue.metric import Series as CatalogueSeries
    from stackctl.spec import Spec

_LIST = re.compile(r"\w[\w.-]*(?:, \w[\w.-]*)+")
_STATUS = frozenset(str(code) for code in range(100, 600)) | {"None", "other"}
_STATUS_LABELS = frozenset({"status", "status_code", "exception_status"})
_PERIODIC = frozenset({"litellm_budget_spent_usd"})
"""Gauges that only grow until their period starts anew at 0: a counter in all but name, so increase() is right."""
_BOOLEANS = frozenset({"true", "false"})


def open_catalogue(name: str, directory: Path) -> Catalogue:
    """A catalogue by its line, or from a file that `stackctl catalogue capture` wrote; raises UsageError."""
    file = directory / name
    if name.endswith((".yaml", ".yml")):
        try:
            return parse_catalogue(file.read_text(encoding="utf-8"), name)
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    return load_catalogue(name)


def stack_catalogue() -> list[Catalogue]:
    """What Prometheus and Alertmanager expose about themselves, where that is known."""
    try:
        return [load_catalogue(STACK)]
    except (FileNotFoundError, UsageError):
        return []


def series_index(catalogues: Iterable[Catalogue], spec: Spec | None = None) -> SeriesIndex:
    """The series of all catalogues; the spec's names bound the labels of the bundled gateway."""
    found: list[Series] = []
    for catalogue in catalogues:
        bounds = {label: bound for label, text in catalogue.bounds.items() if (bound := _bound(label, text))}
        if spec is not None and catalogue.engine == BUNDLED:
            bounds |= spec_bounds(spec)
        optional = frozenset(label for label, text in catalogue.bounds.items() if "empty" in text)
        found += [_series(item, catalogue, bounds, optional) for item in catalogue.series.values()]
    return SeriesIndex(found)


def spec_bounds(spec: Spec) -> dict[str, frozenset[str]]:
    """The values a spec leaves to labels: only what it declares, the proof's own and `other`."""
    models = frozenset({model.name for model in spec.models} | {"other", "stackctl-canary"})
    providers = {deployment.provider for model in spec.models for deployment in model.deployments}
    return {
        "model": models,
        "from_model": models,
        "to_model": models,
        "provider": frozenset(providers | {"other", "mock"}),
    }


def _series(
    item: CatalogueSeries, catalogue: Catalogue, bounds: Mapping[str, frozenset[str]], optional: frozenset[str]
) -> Series:
    return Series(
        item.name,
        "period" if item.name in _PERIODIC else item.kind,
        item.labels,
        family=item.metric.name,
        catalogue=catalogue.line,
        optional=(optional & item.labels) | ({"pid"} & item.labels),
        bounds={label: values for label, values in bounds.items() if label in item.labels},
        buckets=item.metric.buckets if item.kind == "bucket" else (),
        values=_values(item),
    )


def _values(item: CatalogueSeries) -> Interval:
    if item.kind != "gauge" or item.name in _PERIODIC:
        return NOT_NEGATIVE
    return {"bool": Interval(0, 1), "info": ONE}.get(item.metric.unit, ANY)


def _bound(label: str, text: str) -> frozenset[str]:
    if label in _STATUS_LABELS:
        return _STATUS
    if label == "success":
        return _BOOLEANS
    return frozenset(text.split(", ")) if _LIST.fullmatch(text) else frozenset()
