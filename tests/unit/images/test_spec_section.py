"""The `images` section of stack.yaml, the package's surface, and what a quick command does not import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import stackctl.images
from stackctl.errors import SpecError
from stackctl.images.builtin.trust_root import trust_root
from stackctl.images.strict_json import StrictJsonError, parse
from stackctl.spec import parse_spec

BASE = "version: 1\nname: s\nmodels: [{name: m, deployments: [{provider: mock, model: m}]}]\n"


def test_without_the_section_nothing_is_demanded() -> None:
    images = parse_spec(BASE).spec.images
    assert (images.policy, images.verifier, images.references) == ("off", "cosign", {})


@pytest.mark.parametrize(("written", "policy"), [("off", "off"), ("'off'", "off"), ("verify", "verify")])
def test_off_need_not_be_quoted(written: str, policy: str) -> None:
    assert parse_spec(f"{BASE}images: {{policy: {written}}}\n").spec.images.policy == policy


@pytest.mark.parametrize(
    ("section", "place", "said"),
    [
        ("policy: on", (4, 18), "not one of"),
        ("polcy: verify", (4, 10), "did you mean 'policy'"),
        ("exempt: {db: ''}", (4, 23), "images.exempt.db"),
        ("registries: {'http://x': {}}", (4, 35), "registries"),
        ("registries: {x: {mirror: 'http://m'}}", (4, 35), "mirror"),
        (
            "policies: [{name: p, trust: [{id: x, key: {url: 'https://k/main/c.pub', sha256: '00'}}]}]",
            (4, 58),
            "40 hex",
        ),
        ("policies: [{name: p, trust: []}]", (4, 38), "trust"),
    ],
)
def test_a_fault_is_reported_at_its_place(section: str, place: tuple[int, int], said: str) -> None:
    with pytest.raises(SpecError) as refused:
        parse_spec(f"{BASE}images: {{{section}}}\n")
    problem = refused.value.problems[0]
    assert said in str(problem)
    assert (problem.position.line, problem.position.column) == place


def test_the_public_names_can_all_be_had() -> None:
    assert {name: getattr(stackctl.images, name).__name__ for name in stackctl.images.__all__}
    with pytest.raises(AttributeError):
        stackctl.images.nothing  # noqa: B018


def test_help_imports_neither_a_web_client_nor_cryptography() -> None:
    code = "import sys; from stackctl.cli.app import app_for; app_for(None); print([m for m in ('httpx', 'cryptography', 'sigstore', 'yaml') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize("text", ['{"a":1,"a":2}', '{"a":1,"A":2}', "NaN", "{", "", "[" * 100_000])
def test_ambiguous_json_is_refused(text: str) -> None:
    with pytest.raises(StrictJsonError):
        parse(text)


def test_the_trust_root_shipped_with_the_library_holds_log_keys() -> None:
    from stackctl.images.builtin.log import log_keys

    assert log_keys(None)
    assert trust_root(None).get_fulcio_certs()
