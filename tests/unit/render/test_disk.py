"""Writing a bundle: all of it or nothing, and never over somebody's hand edit."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from stackctl.catalogue.alerts import load_alert_groups
from stackctl.errors import HandEditedError, UsageError
from stackctl.render import Bundle, Change, drift, render_bundle, write
from stackctl.spec import parse_spec

SPEC = "version: 1\nname: acme\nmodels:\n  - name: m\n    deployments: [{provider: mock, model: m}]\n"
RULES = "prometheus/rules/budget.yml"


@pytest.fixture
def bundle() -> Bundle:
    return render_bundle(parse_spec(SPEC))


def test_a_written_bundle_has_no_drift(bundle: Bundle, tmp_path: Path) -> None:
    assert {item.change for item in write(bundle, tmp_path)} == {Change.NEW}
    assert drift(bundle, tmp_path) == []
    assert write(bundle, tmp_path) == []


def test_a_hand_edit_is_found_and_kept(bundle: Bundle, tmp_path: Path) -> None:
    write(bundle, tmp_path)
    (tmp_path / RULES).write_text("groups: []\n")
    assert [(item.path, item.change) for item in drift(bundle, tmp_path)] == [(RULES, Change.HAND_EDITED)]
    with pytest.raises(HandEditedError):
        write(bundle, tmp_path)
    assert (tmp_path / RULES).read_text() == "groups: []\n"


def test_force_overwrites_a_hand_edit(bundle: Bundle, tmp_path: Path) -> None:
    write(bundle, tmp_path)
    (tmp_path / RULES).write_text("groups: []\n")
    write(bundle, tmp_path, force=True)
    assert drift(bundle, tmp_path) == []


def test_a_foreign_file_where_a_rendered_one_belongs_counts_as_a_hand_edit(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / RULES).parent.mkdir(parents=True)
    (tmp_path / RULES).write_text("mine\n")
    with pytest.raises(HandEditedError):
        write(bundle, tmp_path)


def test_a_file_the_spec_no_longer_renders_is_removed(bundle: Bundle, tmp_path: Path) -> None:
    write(bundle, tmp_path)
    groups = {group.group: group.alerts for group in load_alert_groups()}
    off = "".join(f"    {alert.name}: {{enabled: false}}\n" for alert in groups["llm-monitoring"])
    changed = render_bundle(parse_spec(SPEC + "alerts:\n  rules:\n" + off))
    assert any(item.change is Change.REMOVED for item in write(changed, tmp_path))
    assert not (tmp_path / "prometheus/rules/monitoring.yml").exists()


def test_a_crash_between_two_replacements_is_no_hand_edit(bundle: Bundle, tmp_path: Path) -> None:
    write(bundle, tmp_path)
    changed = render_bundle(parse_spec(SPEC.replace("acme", "other")))
    path = "prometheus/prometheus.yml"
    (tmp_path / path).write_bytes(changed.files[path])
    write(changed, tmp_path)
    assert drift(changed, tmp_path) == []


@pytest.mark.parametrize("failing", range(0, 12, 3))
def test_a_full_disk_changes_nothing(
    bundle: Bundle, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, failing: int
) -> None:
    write(bundle, tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    changed = render_bundle(parse_spec(SPEC.replace("acme", "other")))
    calls = iter(range(100))

    def full(handle: int) -> None:
        if next(calls) == min(failing, 9):
            raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(UsageError, match="no space left on device"):
        write(changed, tmp_path)
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == before


def test_a_directory_that_is_a_file_is_one_clear_line(bundle: Bundle, tmp_path: Path) -> None:
    (tmp_path / "bundle").write_text("")
    with pytest.raises(UsageError, match="cannot be written"):
        write(bundle, tmp_path / "bundle")


def test_a_bundle_names_no_place_of_this_machine(bundle: Bundle) -> None:
    text = b"\n".join(bundle.files.values()).decode()
    for place in (str(Path.home()), str(Path.cwd()), os.uname().nodename):
        assert place not in text
