"""The user's own dashboards and rules → the bundle."""

from __future__ import annotations

import json
import re
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

import yaml

from stackctl.errors import SpecError
from stackctl.problem import Position, Problem
from stackctl.render.dashboards.compiled import PROMETHEUS_UID
from stackctl.render.dashboards.definition import load_definitions
from stackctl.yaml_data import load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from stackctl.spec.own import OwnFile

PREFIX = "own-"


def own_bundle_files(own: Iterable[OwnFile]) -> dict[str, str]:
    """Path in the bundle → text. Rules pass unchanged; a dashboard exported for sharing is made fit for provisioning.

    Raises SpecError with a position for every file that is not a dashboard or not a rule file.
    """
    files: dict[str, str] = {}
    problems: list[Problem] = []
    for file in own:
        name = f"{PREFIX}{PurePosixPath(file.path).stem}"
        try:
            if file.path.startswith("dashboards/"):
                files[f"grafana/dashboards/{name}.json"] = _dashboard(file)
            else:
                files[f"prometheus/rules/{name}.yml"] = _rules(file)
        except SpecError as error:
            problems += error.problems
    if problems:
        raise SpecError(problems)
    return files


def _dashboard(file: OwnFile) -> str:
    try:
        content = json.loads(file.text)
    except json.JSONDecodeError as error:
        raise _refused(file, f"not JSON: {error.msg}", "export it from Grafana again", error.lineno) from None
    if not isinstance(content, dict) or not isinstance(content.get("panels"), list):
        raise _refused(file, "not a Grafana dashboard: it has no list of panels", "export it from Grafana again")
    taken = {definition.uid for definition in load_definitions()}
    if content.get("uid") in taken:
        remedy = "give it another uid: Grafana provisions none of two dashboards that share one"
        raise _refused(file, f"uid {content['uid']} is the one of a dashboard of stackctl", remedy)
    return json.dumps(_provisionable(content), indent=2, ensure_ascii=False) + "\n"


def _provisionable(content: dict[str, Any]) -> Any:
    """Put the stack's datasource in for inputs, which file provisioning never asks for (grafana/grafana#10786)."""
    inputs: Sequence[dict[str, Any]] = content.get("__inputs") or ()
    sources = {entry["name"] for entry in inputs if entry.get("pluginId") == "prometheus" and "name" in entry}
    kept = {name: value for name, value in content.items() if name not in ("__inputs", "__requires", "id")}
    if not sources:
        return kept
    pattern = re.compile(r"\$\{(" + "|".join(map(re.escape, sorted(sources))) + r")\}")
    return json.loads(pattern.sub(PROMETHEUS_UID, json.dumps(kept)))


def _rules(file: OwnFile) -> str:
    try:
        content = load_yaml(file.text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark else 0
        raise _refused(file, "not YAML", "see Prometheus' documentation of recording rules", line) from None
    if not isinstance(content, dict) or not isinstance(content.get("groups"), list):
        raise _refused(file, "not a rule file: it has no list of groups", "start it with `groups:`")
    return file.text


def _refused(file: OwnFile, message: str, remedy: str, line: int = 0) -> SpecError:
    return SpecError([Problem("spec/own-file", message, position=Position(file.shown, line), remedy=remedy)])
