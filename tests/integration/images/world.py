"""A registry, both cosigns, keys and a Sigstore of our own; images are made when first asked for."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from stackctl.spec.images import SigningPolicy
from tests.integration.images.registry import RealRegistry
from tests.integration.images.signing import Hand, RealCosign, import_key
from tests.integration.images.sigstore import OwnSigstore
from tests.real_parts import cosign_part, registry_part

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography.hazmat.primitives.asymmetric import ec

IDENTITY = "https://github.com/acme/gateway/.github/workflows/release.yml@refs/heads/main"
ISSUER = "https://token.actions.githubusercontent.com"


@dataclass(frozen=True)
class Question:
    """What a case asks: is this image good by this policy?"""

    image: str
    policy: SigningPolicy
    locked: str = ""


@dataclass
class World:
    """The registry, both cosigns, our Sigstore, the keys `ours` and `theirs`."""

    home: Path
    registry: RealRegistry
    cosign2: RealCosign
    cosign3: RealCosign
    sigstore: OwnSigstore
    keys: dict[str, ec.EllipticCurvePrivateKey] = field(default_factory=dict)
    _questions: dict[str, Question] = field(default_factory=dict)

    @classmethod
    def start(cls, home: Path) -> World:
        cosign2, cosign3 = RealCosign(cosign_part(2), home), RealCosign(cosign_part(3), home)
        registry = RealRegistry.start(registry_part(), home)
        world = cls(home, registry, cosign2, cosign3, OwnSigstore())
        world.keys = {name: import_key(cosign3, name) for name in ("ours", "theirs")}
        world.sigstore.trusted_root(home / "trusted_root.json")
        cosign3("signing-config", "create", "--out", "no-log.json")
        return world

    @property
    def hand(self) -> Hand:
        return Hand(self.registry, self.sigstore)

    def question(self, case: str) -> Question:
        """The case's question; its image is made the first time."""
        from tests.integration.images.cases import CASES

        if case not in self._questions:
            self._questions[case] = CASES[case](self, case)
        return self._questions[case]

    def image(self, repository: str, tag: str = "v1.0.0") -> tuple[str, str]:
        """A new image: its reference by tag, and its digest."""
        digest = self.registry.push_image(repository, tag)
        return f"{self.registry.host}/{repository}:{tag}", digest

    def at(self, repository: str, digest: str) -> str:
        return f"{self.registry.host}/{repository}@{digest}"

    def by_key(self, name: str = "ours", *, log: str = "ignored", **more: Any) -> SigningPolicy:
        """A policy that trusts the key NAME.pub."""
        trust = {"id": name, "key": {"file": str(self.home / f"{name}.pub")}, "transparency_log": log}
        if log == "required":
            trust["trusted_root"] = str(self.home / "trusted_root.json")
        return SigningPolicy.model_validate({"name": "test", "trust": [trust], **more})

    def keyless(self, identity: str = IDENTITY, issuer: str = ISSUER) -> SigningPolicy:
        """A policy that trusts one identity, by our own Sigstore."""
        root = str(self.home / "trusted_root.json")
        trust = {"id": "keyless", "identity": identity, "issuer": issuer, "trusted_root": root}
        return SigningPolicy.model_validate({"name": "test", "trust": [trust]})

    def sign2(self, image: str, key: str = "ours") -> None:
        """Sign with real cosign 2, which stores a tag."""
        self.cosign2("sign", "--key", f"{key}.key", "--tlog-upload=false", image)

    def sign3(self, image: str, key: str = "ours") -> None:
        """Sign with real cosign 3, which attaches a bundle."""
        self.cosign3("sign", "--key", f"{key}.key", "--signing-config", "no-log.json", image)

    def certificate(self, key: ec.EllipticCurvePrivateKey) -> Any:
        return self.sigstore.certificate(key, IDENTITY, ISSUER)
