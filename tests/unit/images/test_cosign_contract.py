"""How cosign is called and how it is read, against a fake that records every call."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from stackctl.images.cosign import CosignVerifier, find_cosign
from stackctl.images.fake import Answer, FakeCosign
from stackctl.images.outcome import Outcome, Stopped
from stackctl.images.registry import Place, Registry
from stackctl.images.verdict import Signer, Subject, Verdict
from stackctl.spec.images import Trust

DIGEST = "sha256:" + "a" * 64
SUBJECT = Subject(Place("registry.example", "acme/app", False, False), DIGEST, ("registry.example/acme/app",))
IMAGE = f"registry.example/acme/app@{DIGEST}"
PEM = b"-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"
ROOT = {
    "certificateAuthorities": [{"certChain": {"certificates": [{"rawBytes": "AAAA"}]}}],
    "tlogs": [{"publicKey": {"rawBytes": "BBBB"}}],
    "ctlogs": [{"publicKey": {"rawBytes": "CCCC"}}],
}


def key_signer(log: str = "ignored", root: Path | None = None) -> Signer:
    trust = Trust.model_validate({"id": "ours", "key": {"file": "cosign.pub"}, "transparency_log": log})
    return Signer(trust, PEM, "f" * 64, root)


def keyless_signer(root: Path | None = None) -> Signer:
    return Signer(Trust(id="them", identity="https://ci.example/x", issuer="https://issuer.example"), trusted_root=root)


@pytest.fixture
def fake_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def install(*answers: Answer, version: str = "v3.1.3") -> FakeCosign:
        fake = FakeCosign.install(tmp_path / "fake", list(answers), version)
        monkeypatch.setenv("STACKCTL_COSIGN", str(fake.executable))
        return fake

    return install


def verify(signer: Signer, subject: Subject = SUBJECT, timeout_s: float = 60) -> Verdict:
    return CosignVerifier(find_cosign(), Registry(), timeout_s).verify(subject, signer)


def without_files(argv: list[str]) -> list[str]:
    return [word.partition("=/")[0] + "=FILE" if "=/" in word else word for word in argv]


COMMON = ["verify", "--output=json", "--timeout=60s"]
KEYLESS = ["--certificate-identity=https://ci.example/x", "--certificate-oidc-issuer=https://issuer.example"]


@pytest.mark.parametrize(
    ("signer", "version", "expected"),
    [
        (key_signer(), "v3.1.3", [*COMMON, "--key=FILE", "--insecure-ignore-tlog=true", IMAGE]),
        (key_signer(), "v2.6.5", [*COMMON, "--key=FILE", "--insecure-ignore-tlog=true", IMAGE]),
        (key_signer("required"), "v3.1.3", [*COMMON, "--key=FILE", IMAGE]),
        (keyless_signer(), "v3.1.3", [*COMMON, *KEYLESS, IMAGE]),
        (keyless_signer(), "devel", [*COMMON, *KEYLESS, IMAGE]),
    ],
)
def test_the_argument_list_is_fixed(fake_of, signer: Signer, version: str, expected: list[str]) -> None:
    fake = fake_of(version=version)
    assert verify(signer).outcome is Outcome.VERIFIED
    (call,) = [call for call in fake.calls() if "--help" not in call.argv]
    assert without_files(call.argv) == expected


def test_a_trusted_root_is_a_flag_for_cosign_3_and_variables_for_cosign_2(fake_of, tmp_path: Path) -> None:
    root = tmp_path / "trusted_root.json"
    root.write_text(json.dumps(ROOT))
    fake = fake_of(version="v3.1.3")
    verify(keyless_signer(root))
    assert without_files(fake.calls()[-1].argv) == [
        *COMMON,
        *KEYLESS,
        "--trusted-root=FILE",
        "--offline=true",
        IMAGE,
    ]
    assert not any(name.startswith("SIGSTORE_") for name in fake.calls()[-1].environment)


def test_cosign_2_gets_the_trusted_root_as_pem_files(fake_of, tmp_path: Path) -> None:
    root = tmp_path / "trusted_root.json"
    root.write_text(json.dumps(ROOT))
    fake = fake_of(version="v2.6.5")
    verify(keyless_signer(root))
    call = fake.calls()[-1]
    assert without_files(call.argv) == [*COMMON, *KEYLESS, "--offline=true", IMAGE]
    contents = {name: call.files[value] for name, value in call.environment.items() if name.startswith("SIGSTORE_")}
    assert contents == {
        "SIGSTORE_ROOT_FILE": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "SIGSTORE_REKOR_PUBLIC_KEY": "-----BEGIN PUBLIC KEY-----\nBBBB\n-----END PUBLIC KEY-----\n",
        "SIGSTORE_CT_LOG_PUBLIC_KEY_FILE": "-----BEGIN PUBLIC KEY-----\nCCCC\n-----END PUBLIC KEY-----\n",
    }


def test_a_plain_http_registry_that_is_not_this_machine_needs_a_flag(fake_of) -> None:
    fake = fake_of()
    verify(key_signer(), Subject(Place("registry.lan:5000", "app", True, False), DIGEST, ()))
    verify(key_signer(), Subject(Place("127.0.0.1:5000", "app", True, True), DIGEST, ()))
    flagged = ["--allow-http-registry=true" in call.argv for call in fake.calls()]
    assert flagged == [True, False]


def test_nothing_of_the_environment_but_what_reaching_a_registry_needs_is_passed_on(
    fake_of, monkeypatch: pytest.MonkeyPatch
) -> None:
    planted = {
        "COSIGN_REPOSITORY": "evil.example/signatures",
        "COSIGN_EXPERIMENTAL": "1",
        "SIGSTORE_REKOR_PUBLIC_KEY": "/tmp/evil.pem",
        "TUF_ROOT": "/tmp/evil",
        "TUF_MIRROR": "https://evil.example",
        "REKOR_URL": "https://evil.example",
        "OPENAI_API_KEY": "sk-secret",
        "LD_PRELOAD": "",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "DOCKER_CONFIG": "/home/me/.docker",
    }
    for name, value in planted.items():
        monkeypatch.setenv(name, value)
    fake = fake_of()
    verify(key_signer())
    seen = fake.calls()[-1].environment
    expected = {"HTTPS_PROXY", "DOCKER_CONFIG", "LC_ALL", "PATH", "HOME"}
    allowed = expected | {
        "NO_PROXY",
        "no_proxy",
        "HTTP_PROXY",
        "http_proxy",
        "https_proxy",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
    }
    # The shell that starts the fake adds these three.
    assert expected <= set(seen) <= allowed | {"PWD", "SHLVL", "_"}
    assert seen["HTTPS_PROXY"] == "http://proxy.example:3128"


def test_the_key_is_a_private_file_that_is_gone_afterwards(fake_of) -> None:
    fake = fake_of()
    verify(key_signer())
    call = fake.calls()[-1]
    assert call.stdin_is_empty
    ((path, content),) = call.files.items()
    assert content.encode() == PEM
    assert not Path(path).exists()
    assert not Path(path).parent.exists()


def test_a_foreign_bundle_gets_one_second_try_without_bundles(fake_of) -> None:
    refused = Answer(1, "", "Error: no matching attestations: accepted signatures do not match threshold\n")
    fake = fake_of(refused, Answer())
    verdict = verify(key_signer())
    assert verdict.outcome is Outcome.VERIFIED
    assert ["--new-bundle-format=false" in call.argv for call in fake.calls()] == [False, True]
    assert any("foreign" in note for note in verdict.notes)


def test_a_second_try_that_fails_leaves_the_first_verdict(fake_of) -> None:
    refused = Answer(1, "", "Error: no matching attestations: accepted signatures do not match threshold\n")
    fake = fake_of(refused, Answer(10, "", "Error: no signatures found\n"))
    assert verify(key_signer()).outcome is Outcome.OTHER_SIGNER
    assert len(fake.calls()) == 2


def test_cosign_that_does_not_end_is_killed_and_is_no_verdict(fake_of, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("stackctl.images.cosign.verify._GRACE_S", 0)
    fake_of(Answer(sleep_s=3600))
    with pytest.raises(Stopped, match="no answer") as stopped:
        verify(key_signer(), timeout_s=1)
    assert stopped.value.outcome is Outcome.UNKNOWN


ELEMENT = '{"critical":{"identity":{"docker-reference":"x"},"image":{"docker-manifest-digest":"%s"},"type":"%s"}}'
LEGACY = "cosign container image signature"
BUNDLE = "https://sigstore.dev/cosign/sign/v1"
GOOD = ELEMENT % (DIGEST, LEGACY)


@pytest.mark.parametrize(
    ("stdout", "outcome"),
    [
        (f"\n[{GOOD}]\n", Outcome.VERIFIED),
        (f"\n[{ELEMENT % (DIGEST, BUNDLE)}]\n", Outcome.VERIFIED),
        (f"[{GOOD},{ELEMENT % (DIGEST, 'https://slsa.dev/provenance/v1')}]", Outcome.VERIFIED),
        (f"[{ELEMENT % (DIGEST, 'https://slsa.dev/provenance/v1')}]", Outcome.NO_SIGNATURE),
        (f"[{GOOD},{ELEMENT % ('sha256:' + 'b' * 64, LEGACY)}]", Outcome.UNKNOWN),
        (f"[{ELEMENT % ('sha256:' + 'b' * 64, LEGACY)}]", Outcome.UNKNOWN),
        ("", Outcome.UNKNOWN),
        ("[]", Outcome.UNKNOWN),
        ("null", Outcome.UNKNOWN),
        ("[null]", Outcome.UNKNOWN),
        ("{}", Outcome.UNKNOWN),
        ("[{}]", Outcome.UNKNOWN),
        ("verified, trust me", Outcome.UNKNOWN),
        (f"[{GOOD}]\n[{GOOD}]", Outcome.UNKNOWN),
        ('[{"critical":{},"Critical":{}}]', Outcome.UNKNOWN),
        (
            '[{"critical":{"type":7,"image":{"docker-manifest-digest":1},"identity":{"docker-reference":2}}}]',
            Outcome.UNKNOWN,
        ),
        ("[" * 100_000, Outcome.UNKNOWN),
    ],
)
def test_exit_code_0_is_believed_only_with_the_right_output(fake_of, stdout: str, outcome: Outcome) -> None:
    fake_of(Answer(0, stdout))
    assert verify(key_signer()).outcome is outcome


@pytest.mark.parametrize(
    ("code", "stderr", "outcome"),
    [
        (12, "Error: no matching signatures: invalid signature when validating ASN.1 encoded signature", Outcome.OTHER_SIGNER),
        (12, "Error: no matching signatures: none of the expected identities matched what was in the certificate", Outcome.OTHER_SIGNER),
        (12, "Error: no matching signatures: offline verification failed", Outcome.UNKNOWN),
        (13, "Error: no certificate found on signature", Outcome.OTHER_SIGNER),
        (11, "Error: image tag not found: entity not found in registry", Outcome.MISSING),
        (1, "Error: something nobody has seen before", Outcome.UNKNOWN),
        (1, "", Outcome.UNKNOWN),
        (2, "Error: unknown flag: --output", Outcome.UNKNOWN),
        (-9, "", Outcome.UNKNOWN),
        (1, "Error: Get https://registry.example/v2/: dial tcp 192.0.2.1:443: connect: connection refused", Outcome.UNREACHABLE),
        (1, "Error: setting trusted material: getting trusted root from TUF for new bundle verification: tuf refresh failed", Outcome.UNREACHABLE),
        (1, "Error: no matching attestations: failed to verify log inclusion: not enough verified log entries from transparency log: 0 < 1", Outcome.UNKNOWN),
        (1, 'Error: no matching attestations: no matching CertificateIdentity found, got "dial tcp https://evil"', Outcome.OTHER_SIGNER),
        (12, "Error: no matching signatures: none of the expected identities matched, got subjects [dial tcp EOF]", Outcome.OTHER_SIGNER),
    ],
)  # fmt: skip
def test_a_failure_is_no_more_than_cosign_said(fake_of, code: int, stderr: str, outcome: Outcome) -> None:
    fake_of(Answer(code if code >= 0 else 137, "", stderr + "\n"))
    assert verify(key_signer()).outcome is outcome


def test_control_characters_of_cosign_do_not_reach_the_terminal(fake_of) -> None:
    fake_of(Answer(1, "", "Error: \x1b[2Jgone\x07 wrong\n"))
    assert verify(key_signer()).message == "cosign:  [2Jgone  wrong"


@pytest.mark.parametrize(
    ("version", "warns"), [("v2.5.0", True), ("v2.6.2", False), ("v3.0.3", True), ("v3.0.4", False), ("devel", True)]
)
def test_a_cosign_with_the_defective_log_check_is_named_where_the_log_counts(
    fake_of, version: str, warns: bool
) -> None:
    fake_of(version=version)
    assert any("CVE-2026-22703" in note for note in verify(key_signer("required")).notes) is warns
    assert not any("CVE" in note for note in verify(key_signer()).notes)


def test_a_policy_can_demand_a_newer_cosign(fake_of) -> None:
    fake_of(version="v2.6.5")
    with pytest.raises(Stopped, match=r"needs cosign 3\.0\.4") as stopped:
        find_cosign().require("3.0.4")
    assert stopped.value.outcome is Outcome.TOOL
    find_cosign().require("2.6.5")
    find_cosign().require(None)


@pytest.mark.parametrize("content", ["#!/bin/sh\necho hello\n", "#!/bin/sh\nexit 1\n", "no interpreter"])
def test_something_else_called_cosign_is_told_apart(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str
) -> None:
    impostor = tmp_path / "cosign"
    impostor.write_text(content)
    impostor.chmod(0o755)
    monkeypatch.setenv("STACKCTL_COSIGN", str(impostor))
    with pytest.raises(Stopped) as stopped:
        find_cosign()
    assert stopped.value.outcome is Outcome.TOOL


def test_without_cosign_the_message_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("STACKCTL_COSIGN", raising=False)
    monkeypatch.setenv("STACKCTL_PARTS", str(tmp_path))
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Stopped, match="not installed") as stopped:
        find_cosign()
    assert "apt-get install cosign" in stopped.value.remedy
    assert os.environ["PATH"] == str(tmp_path)
