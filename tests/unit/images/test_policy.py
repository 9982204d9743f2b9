"""Policies: the shipped ones, which signer is tried for which release, and the deny list."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from stackctl.errors import UsageError
from stackctl.images.policy import denied, load_policy, policies_with, policy_for, shipped_policies, signers_for
from stackctl.images.reference import parse_reference
from stackctl.images.versions import parse_version
from stackctl.spec.images import SigningPolicy, Trust

LITELLM = shipped_policies()["litellm"]
NEW, SECOND, FIRST = "keyless", "key-e82a3c6", "key-0112e53"


@pytest.mark.parametrize(
    ("tag", "signers"),
    [
        ("v1.83.0", [NEW, SECOND, FIRST]),
        ("v1.83.0-stable", [NEW, SECOND, FIRST]),
        ("main-v1.87.0-dev.1", [NEW, SECOND, FIRST]),
        ("v1.82.9", [NEW, SECOND]),
        ("v1.103.7", [NEW, FIRST]),
        ("v1.103.8", [NEW, SECOND]),
        ("v1.104.5-stable.patch.1", [NEW, FIRST]),
        ("v1.104.6", [NEW, SECOND]),
        ("v1.105.3", [NEW, FIRST]),
        ("v1.105.4", [NEW, SECOND]),
        ("v1.106.2", [NEW, FIRST]),
        ("v1.106.3", [NEW, SECOND]),
        ("v1.108.10", [NEW, SECOND]),
        ("v1.111.0-dev.2", [NEW, SECOND]),
        ("v1.111.0-dev.3", [NEW]),
        ("v1.112.0", [NEW]),
        ("main-stable", [NEW]),
        ("latest", [NEW]),
    ],
)
def test_the_three_eras_of_litellm(tag: str, signers: list[str]) -> None:
    assert [trust.id for trust in signers_for(LITELLM, tag)] == signers


@pytest.mark.parametrize("version", ["1.82.7", "1.82.8", "1.107.0"])
@pytest.mark.parametrize("form", ["{}", "v{}", "v{}-stable", "main-v{}", "v{}-stable.patch.2", "v{}-rc.1", "v{}.rc.1"])
def test_a_denied_release_is_denied_in_every_form(version: str, form: str) -> None:
    found = denied(LITELLM, form.format(version))
    assert found.hit is not None
    assert found.hit.version == version


@pytest.mark.parametrize("tag", ["v1.82.70", "v11.107.0", "v1.107.1", "v1.1.107.0x"])
def test_a_similar_version_is_not_denied(tag: str) -> None:
    assert denied(LITELLM, tag).hit is None


@pytest.mark.parametrize("tag", ["main-stable", "latest", "", "sha-0a1b2c3"])
def test_without_a_version_the_deny_list_is_not_applied_and_says_so(tag: str) -> None:
    assert denied(LITELLM, tag).applied is False
    assert denied(shipped_policies()["stackctl"], tag).applied is True


def test_every_shipped_key_names_a_commit_and_a_hash() -> None:
    keys = [trust.key for policy in shipped_policies().values() for trust in policy.trust if trust.key]
    assert all(key.sha256 for key in keys if key.url)
    assert sum(key.url is not None for key in keys) == 2


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("ghcr.io/berriai/litellm:v1", "litellm"),
        ("litellm/litellm:v1", "litellm"),
        ("ghcr.io/berriai/litellm-database:v1", "litellm"),
        ("ghcr.io/berriai/litellm-evil:v1", None),
        ("ghcr.io/evil/litellm:v1", None),
        ("localhost:5000/stackctl/gateway:v1", "stackctl"),
        ("localhost:5000/stackctl-evil/gateway:v1", None),
    ],
)
def test_a_policy_covers_exactly_its_repositories(image: str, policy: str | None) -> None:
    found = policy_for(parse_reference(image), shipped_policies())
    assert (found.name if found else None) == policy


def test_a_policy_of_the_spec_replaces_the_shipped_one_of_its_name() -> None:
    mine = LITELLM.model_copy(update={"deny": []})
    assert policies_with([mine])["litellm"].deny == []
    assert list(policies_with([mine])) == ["litellm", "stackctl"]


ORDERED = [
    "v1.2.0-dev.1",
    "v1.2.0-alpha.1",
    "v1.2.0-beta.2",
    "v1.2.0-rc.1",
    "v1.2.0-rc.10",
    "v1.2.0",
    "v1.2.0-stable.patch.1",
    "v1.2.1",
    "v1.10.0",
    "v2.0.0",
]


def test_versions_are_ordered_as_people_expect() -> None:
    versions = [parse_version(tag) for tag in ORDERED]
    assert None not in versions
    assert versions == sorted(versions, key=lambda version: version)  # type: ignore[arg-type,return-value]
    assert parse_version("v1.2.0-stable") == parse_version("1.2.0")


KEY = {"url": f"https://keys.example/{'a' * 40}/cosign.pub", "sha256": "0" * 64}


@pytest.mark.parametrize(
    ("trust", "said"),
    [
        ({}, "either a key"),
        ({"identity": "me"}, "issuer"),
        ({"issuer": "https://i"}, "issuer"),
        ({"key": KEY, "identity": "me", "issuer": "https://i"}, "either a key"),
        ({"key": {**KEY, "sha256": None}}, "sha256"),
        ({"key": {**KEY, "sha256": "xyz"}}, "pattern"),
        ({"key": {**KEY, "url": "https://keys.example/main/cosign.pub"}}, "40 hex"),
        ({"key": {**KEY, "url": KEY["url"].replace("https", "http")}}, "https only"),
        ({"key": {**KEY, "url": KEY["url"].replace("https", "file")}}, "https only"),
        ({"key": {**KEY, "url": KEY["url"].replace("//", "//user:pw@")}}, "no user"),
        ({"key": {**KEY, "url": KEY["url"] + "?x=1"}}, "no user"),
        ({"key": {}}, "either a url"),
        ({"key": {**KEY, "file": "x"}}, "either a url"),
        ({"identity": "me", "issuer": "https://i", "transparency_log": "ignored"}, "cannot be ignored"),
    ],
)
def test_a_signer_that_proves_nothing_is_refused(trust: dict[str, object], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        Trust.model_validate({"id": "x", **trust})


def test_a_faulty_policy_file_names_its_first_fault(tmp_path) -> None:
    file = tmp_path / "p.yaml"
    for text, said in [("name: [", "not YAML"), ("name: x\ntrust: []\n", "trust"), ("- a\n", "not valid")]:
        file.write_text(text)
        with pytest.raises(UsageError, match=said):
            load_policy(file)
    with pytest.raises(UsageError, match="cannot be read"):
        load_policy(tmp_path / "absent.yaml")


def test_a_policy_needs_a_signer() -> None:
    with pytest.raises(ValidationError):
        SigningPolicy.model_validate({"name": "x", "trust": []})
