"""The user's own dashboards and rules."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from stackctl.errors import SpecError, UsageError
from stackctl.render import Bundle, render_bundle
from stackctl.spec import load_spec
from tests.unit.dashboards.bundles import spec_text

RULES = "groups:\n  - name: mine\n    rules:\n      - {alert: Mine, expr: vector(1)}  # as written\n"


def stack(directory: Path, **files: str) -> Path:
    (directory / "stack.yaml").write_text(spec_text())
    for name, text in files.items():
        folder, stem = name.split("__")
        file = directory / folder / f"{stem}.{'json' if folder == 'dashboards' else 'yml'}"
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)
    return directory / "stack.yaml"


def bundle(directory: Path, **files: str) -> Bundle:
    return render_bundle(load_spec(stack(directory, **files)))


def test_own_files_are_in_the_bundle_and_in_its_manifest(tmp_path: Path) -> None:
    mine = {"uid": "mine", "panels": [], "title": "Mine"}
    made = bundle(tmp_path, rules__mine=RULES, dashboards__mine=json.dumps(mine))
    assert made.files["prometheus/rules/own-mine.yml"].decode() == RULES
    assert json.loads(made.files["grafana/dashboards/own-mine.json"]) == mine
    assert {"prometheus/rules/own-mine.yml", "grafana/dashboards/own-mine.json"} <= set(
        json.loads(made.manifest)["files"]
    )


def test_an_export_for_sharing_gets_the_stacks_datasource(tmp_path: Path) -> None:
    shared: dict[str, Any] = {
        "__inputs": [{"name": "DS_PROM", "type": "datasource", "pluginId": "prometheus"}],
        "__requires": [],
        "id": 7,
        "panels": [{"datasource": {"type": "prometheus", "uid": "${DS_PROM}"}}],
    }
    made = bundle(tmp_path, dashboards__shared=json.dumps(shared))
    assert json.loads(made.files["grafana/dashboards/own-shared.json"]) == {
        "panels": [{"datasource": {"type": "prometheus", "uid": "stackctl-prometheus"}}]
    }


@pytest.mark.parametrize(
    ("files", "message", "line"),
    [
        ({"dashboards__x": '{"panels": [],\n "uid": }'}, "not JSON", 2),
        ({"dashboards__x": "[]"}, "not a Grafana dashboard", 0),
        ({"dashboards__x": '{"panels": [], "uid": "stackctl-cost"}'}, "uid stackctl-cost", 0),
        ({"rules__x": "groups: [\n"}, "not YAML", 2),
        ({"rules__x": "alert: Mine\n"}, "not a rule file", 0),
    ],
)
def test_a_file_that_cannot_work_is_refused_with_its_place(
    tmp_path: Path, files: dict[str, str], message: str, line: int
) -> None:
    with pytest.raises(SpecError) as refused:
        bundle(tmp_path, **files)
    (problem,) = refused.value.problems
    assert problem.message.startswith(message)
    assert Path(problem.position.file).parent.parent == tmp_path
    assert problem.position.line == line


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    spec = stack(tmp_path)
    (tmp_path / "rules").mkdir()
    (tmp_path / "rules" / "x.yml").write_bytes(b"\xff\xfe")
    with pytest.raises(UsageError, match=r"rules/x\.yml cannot be read"):
        load_spec(spec)
