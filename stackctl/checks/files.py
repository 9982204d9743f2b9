"""From files to the subject of a check run: a stack's bundle, or any files of others."""

from __future__ import annotations

import json
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING

from stackctl.artefacts import Artefacts, read_artefact
from stackctl.catalogue.alerts import load_alert_groups
from stackctl.catalogue.load import catalogue_lines, line_of
from stackctl.checks.catalogues import open_catalogue, series_index, stack_catalogue
from stackctl.checks.subject import Subject
from stackctl.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from stackctl.spec import SpecFile

_JUDGED = ("prometheus/prometheus.yml", "alertmanager/alertmanager.yml")
_JUDGED_DIRECTORIES = ("prometheus/rules/", "grafana/dashboards/")


def subject_of_bundle(source: SpecFile, contents: Mapping[str, bytes], where: Path) -> Subject:
    """What a spec renders to, as it would lie at `where`; nothing is read from disk."""
    artefacts = Artefacts()
    for path, content in sorted(contents.items()):
        if path in _JUDGED or path.startswith(_JUDGED_DIRECTORIES):
            read_artefact(content.decode(), str(where / path), artefacts)
    gateway = source.spec.gateway
    line = line_of(gateway.engine, getattr(gateway, "version", None))
    catalogue = open_catalogue(line, Path())
    extra = stack_catalogue()
    return Subject(
        artefacts,
        series_index([catalogue, *extra], source.spec),
        (line,),
        closed=bool(extra),
        spec=source,
        units=grafana_units(),
        known_alerts=frozenset(alert.name for group in load_alert_groups() for alert in group.alerts),
    )


def subject_of_files(paths: Sequence[Path], catalogues: Sequence[str]) -> Subject:
    """Files that anybody wrote, against catalogues by name; raises UsageError for what cannot be read."""
    if not catalogues:
        raise UsageError(
            "no catalogue to check these files against",
            remedy=f"name one with --catalogue: {', '.join(catalogue_lines())}, or a file of `stackctl catalogue capture`",
        )
    artefacts = Artefacts()
    for path in paths:
        read_artefact(_text(path), str(path), artefacts)
    loaded = [open_catalogue(name, Path()) for name in catalogues]
    extra = [item for item in stack_catalogue() if item.line not in catalogues]
    return Subject(artefacts, series_index([*loaded, *extra]), tuple(catalogues), units=grafana_units())


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise UsageError(f"{path} is not a text file") from None


@cache
def grafana_units() -> frozenset[str]:
    """The unit ids Grafana knows, from its own registry."""
    file = files("stackctl.catalogue") / "grafana_units.json"
    return frozenset(json.loads(file.read_text(encoding="utf-8"))["units"])
