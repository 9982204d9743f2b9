"""The matrix of docs/verify-image.md: every row, by real cosign 2.5, real cosign 3.1 and the built-in verifier."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from stackctl.images.builtin import BuiltinVerifier
from stackctl.images.cosign import CosignVerifier, find_cosign
from stackctl.images.flow import Tools, verify_image
from stackctl.images.key_files import KeyStore
from stackctl.images.outcome import Outcome
from stackctl.images.reference import parse_reference
from stackctl.images.registry import Addresses, Registry
from tests.integration.images.cases import CASES
from tests.integration.images.world import World
from tests.real_parts import cosign_part

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.images.report import ImageReport
    from stackctl.images.verdict import Verifier

DOC = Path(__file__).parents[3] / "docs" / "verify-image.md"
ROW = re.compile(r"^\| `([a-z0-9-]+)` \| (\d+) \| (\d+) \| (\d+) \|", re.MULTILINE)
VERIFIERS = ("cosign-2", "cosign-3", "builtin")
EXPECTED = {row[0]: dict(zip(VERIFIERS, map(int, row[1:]), strict=True)) for row in ROW.findall(DOC.read_text("utf-8"))}


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is not on this machine is out of reach, wherever the tests run."""
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")


@pytest.fixture
def registry() -> Iterator[Registry]:
    opened = Registry()
    yield opened
    opened.http.close()


def verifier_named(name: str, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> Verifier:
    if name == "builtin":
        return BuiltinVerifier(registry)
    monkeypatch.setenv("STACKCTL_COSIGN", str(cosign_part(int(name[-1]))))
    return CosignVerifier(find_cosign(), registry)


def judge(world: World, case: str, verifier: Verifier, registry: Registry) -> ImageReport:
    question = world.question(case)
    tools = Tools(
        registry, Addresses(), KeyStore(registry.http, world.home, world.home / "kept"), lambda: verifier, world.home
    )
    return verify_image(parse_reference(question.image), question.policy, tools, locked=question.locked)


def test_the_documented_matrix_names_every_case_and_no_other() -> None:
    assert list(EXPECTED) == list(CASES)


@pytest.mark.parametrize("case", CASES)
def test_each_verifier_gives_the_documented_verdict(
    case: str, world: World, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    reports = {name: judge(world, case, verifier_named(name, registry, monkeypatch), registry) for name in VERIFIERS}
    codes = {name: report.outcome.exit_code for name, report in reports.items()}
    assert codes == EXPECTED[case], [report.line for report in reports.values()]
    for report in reports.values():
        assert report.outcome is not Outcome.VERIFIED or any("signature by" in fact for fact in report.checked)
        assert "\n" not in report.line


def test_the_second_try_is_told(world: World, registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    report = judge(world, "foreign-bundle-beside-legacy", verifier_named("cosign-3", registry, monkeypatch), registry)
    assert any("foreign Sigstore bundle" in text for text in report.warnings)


@pytest.mark.parametrize("verifier", VERIFIERS)
def test_a_skipped_log_is_reported_as_not_checked_whatever_cosign_prints(
    verifier: str, world: World, registry: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = judge(world, "ok-legacy-tag", verifier_named(verifier, registry, monkeypatch), registry)
    assert "transparency log: the policy ignores it" in report.not_checked
    assert not any("transparency log" in fact for fact in report.checked)


def test_the_built_in_verifier_says_that_it_is_not_cosign(world: World, registry: Registry) -> None:
    report = judge(world, "ok-legacy-tag", BuiltinVerifier(registry), registry)
    assert "not cosign" in report.verifier
    assert any("not cosign" in text for text in report.warnings)
