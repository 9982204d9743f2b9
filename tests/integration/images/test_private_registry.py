"""Private registries: docker's credentials in all their forms, a mirror, and refusals, with a real docker-registry."""

from __future__ import annotations

import base64
import json
import shutil
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from stackctl.images.builtin import BuiltinVerifier
from stackctl.images.cosign import CosignVerifier, find_cosign
from stackctl.images.flow import Tools, verify_image
from stackctl.images.key_files import KeyStore
from stackctl.images.outcome import Outcome
from stackctl.images.reference import parse_reference
from stackctl.images.registry import Addresses, Registry
from stackctl.spec.images import RegistrySettings, SigningPolicy
from tests.integration.images.registry import RealRegistry
from tests.integration.images.servers import TokenService
from tests.integration.images.signing import Hand
from tests.integration.images.sigstore import OwnSigstore, new_key, public_pem
from tests.real_parts import cosign_part, registry_part

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from stackctl.images.report import ImageReport

USER, PASSWORD, REFRESH = "robot", "secret", "refresh-me"
HTPASSWD = "robot:$2b$04$dIT3W.77VlhCIkTRX.xS2uNT/6xaGUow/J5bYGxkBd1/iF.6QRD/C\n"


@dataclass
class Private:
    """A private registry with one signed image, and a place for docker's configuration."""

    registry: RealRegistry
    policy: SigningPolicy
    home: Path

    @property
    def image(self) -> str:
        return f"{self.registry.host}/acme/app:v1.0.0"

    def docker(self, config: dict[str, object]) -> None:
        (self.home / "config.json").write_text(json.dumps(config))

    def helper(self, name: str, answer: str, code: int = 0) -> None:
        """A credential helper that writes what it was asked on standard input to a file."""
        program = self.home / "bin" / f"docker-credential-{name}"
        program.parent.mkdir(exist_ok=True)
        cat = shutil.which("cat")
        program.write_text(f"#!/bin/sh\n{cat} >{self.home}/asked\necho '{answer}'\nexit {code}\n")
        program.chmod(0o755)

    def verify(
        self, verifier: str, image: str = "", settings: dict[str, RegistrySettings] | None = None
    ) -> ImageReport:
        registry = Registry()
        judge = BuiltinVerifier(registry) if verifier == "builtin" else CosignVerifier(find_cosign(), registry)
        tools = Tools(registry, Addresses(settings or {}), KeyStore(registry.http, self.home), lambda: judge, self.home)
        try:
            return verify_image(parse_reference(image or self.image), self.policy, tools)
        finally:
            registry.http.close()


def private(registry: RealRegistry, home: Path) -> Private:
    key = new_key()
    (home / "cosign.pub").write_bytes(public_pem(key))
    digest = registry.push_image("acme/app", "v1.0.0")
    hand = Hand(registry, OwnSigstore())
    hand.legacy("acme/app", digest, [hand.claim("acme/app", digest, key, logged=False)])
    trust = {"id": "ours", "key": {"file": "cosign.pub"}, "transparency_log": "ignored"}
    return Private(registry, SigningPolicy.model_validate({"name": "test", "trust": [trust]}), home)


@pytest.fixture(autouse=True)
def _docker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    monkeypatch.setenv("PATH", f"{tmp_path}/bin:/usr/bin:/bin")
    monkeypatch.setenv("STACKCTL_COSIGN", str(cosign_part(3)))


@pytest.fixture
def by_password(tmp_path: Path) -> Iterator[Private]:
    (tmp_path / "htpasswd").write_text(HTPASSWD)
    auth = {"auth": {"htpasswd": {"realm": "test", "path": str(tmp_path / "htpasswd")}}}
    registry = RealRegistry.start(registry_part(), tmp_path, auth)
    registry.http.auth = (USER, PASSWORD)
    yield private(registry, tmp_path)
    registry.stop()


@pytest.fixture
def by_token(tmp_path: Path) -> Iterator[Private]:
    service = TokenService(USER, PASSWORD, REFRESH)
    (tmp_path / "bundle.pem").write_bytes(service.certificate.public_bytes(Encoding.PEM))
    registry = RealRegistry.start(registry_part(), tmp_path, service.settings(str(tmp_path / "bundle.pem")))
    token = service.token("repository:acme/app:pull,push", ["pull", "push"])
    registry.http.headers["authorization"] = f"Bearer {token}"
    yield private(registry, tmp_path)
    registry.stop()
    service.server.stop()


AUTH = {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}


@pytest.mark.parametrize("verifier", ["cosign", "builtin"])
def test_a_stored_password_opens_a_basic_registry(by_password: Private, verifier: str) -> None:
    by_password.docker({"auths": {by_password.registry.host: AUTH}})
    assert by_password.verify(verifier).outcome is Outcome.VERIFIED


@pytest.mark.parametrize("verifier", ["cosign", "builtin"])
def test_a_stored_password_buys_a_token(by_token: Private, verifier: str) -> None:
    by_token.docker({"auths": {by_token.registry.host: AUTH}})
    assert by_token.verify(verifier).outcome is Outcome.VERIFIED


def test_an_identity_token_buys_a_token(by_token: Private) -> None:
    by_token.docker({"auths": {by_token.registry.host: {"identitytoken": REFRESH}}})
    assert by_token.verify("builtin").outcome is Outcome.VERIFIED


@pytest.mark.parametrize("verifier", ["cosign", "builtin"])
@pytest.mark.parametrize("field", ["credHelpers", "credsStore"])
def test_a_credential_helper_is_asked_for_the_host_on_standard_input(
    by_password: Private, field: str, verifier: str
) -> None:
    by_password.helper("vault", json.dumps({"Username": USER, "Secret": PASSWORD}))
    host = by_password.registry.host
    by_password.docker({field: {host: "vault"} if field == "credHelpers" else "vault"})
    assert by_password.verify(verifier).outcome is Outcome.VERIFIED
    # cosign's library asks for host/repository as well, which is its own affair.
    assert (by_password.home / "asked").read_text().strip().partition("/")[0] == host


def test_an_identity_token_of_a_helper_is_used_as_one(by_token: Private) -> None:
    by_token.helper("vault", json.dumps({"Username": "<token>", "Secret": REFRESH}))
    by_token.docker({"credsStore": "vault"})
    assert by_token.verify("builtin").outcome is Outcome.VERIFIED


@pytest.mark.parametrize(
    "config", [{}, {"auths": {}}, {"auths": {"HOST": {"auth": "cm9ib3Q6d3Jvbmc="}}}], ids=["none", "empty", "wrong"]
)
def test_without_the_right_password_access_is_refused_and_nothing_leaks(
    by_password: Private, config: dict[str, object]
) -> None:
    by_password.docker(json.loads(json.dumps(config).replace("HOST", by_password.registry.host)))
    report = by_password.verify("builtin")
    assert report.outcome is Outcome.UNREACHABLE
    assert "docker login" in report.remedy
    assert "wrong" not in report.line


def test_a_token_service_that_refuses_is_named(by_token: Private) -> None:
    by_token.docker({})
    report = by_token.verify("builtin")
    assert (report.outcome, "token service" in report.message) == (Outcome.UNREACHABLE, True)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ("{not json", "config.json"),
        ('{"credsStore": "nowhere"}', "nowhere"),
        ('{"credsStore": "../../bin/sh"}', "bin/sh"),
        ('{"auths": {"HOST": {"auth": "%%%"}}}', "base64"),
    ],
)
def test_a_broken_docker_configuration_is_named_and_not_passed_over(
    by_password: Private, config: str, said: str
) -> None:
    (by_password.home / "config.json").write_text(config.replace("HOST", by_password.registry.host))
    report = by_password.verify("builtin")
    assert (report.outcome, said in report.message) == (Outcome.UNKNOWN, True)


@pytest.mark.parametrize("verifier", ["cosign", "builtin"])
def test_a_mirror_is_asked_instead_and_the_signature_may_name_the_original(tmp_path: Path, verifier: str) -> None:
    registry = RealRegistry.start(registry_part(), tmp_path)
    try:
        key = new_key()
        (tmp_path / "cosign.pub").write_bytes(public_pem(key))
        digest = registry.push_image("copies/acme/app", "v1.0.0")
        hand = Hand(registry, OwnSigstore())
        claim = hand.claim("", digest, key, logged=False, named="registry.example/acme/app")
        hand.legacy("copies/acme/app", digest, [claim])
        trust = {"id": "ours", "key": {"file": "cosign.pub"}, "transparency_log": "ignored"}
        policy = SigningPolicy.model_validate({"name": "test", "trust": [trust]})
        mirrored = {"registry.example": RegistrySettings(mirror=f"{registry.host}/copies")}
        report = Private(registry, policy, tmp_path).verify(verifier, "registry.example/acme/app:v1.0.0", mirrored)
        assert (report.outcome, report.digest) == (Outcome.VERIFIED, digest)
    finally:
        registry.stop()
