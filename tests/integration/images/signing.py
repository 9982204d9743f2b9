"""Signatures on images: by real cosign, and put together by hand where cosign would not make them."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from tests.integration.images import sigstore
from tests.integration.images.registry import OCI_CONFIG, OCI_MANIFEST, RealRegistry
from tests.integration.images.sigstore import BUNDLE, OwnSigstore, b64

if TYPE_CHECKING:
    from pathlib import Path

    from cryptography import x509

SIMPLE = "application/vnd.dev.cosign.simplesigning.v1+json"
V3_LEGACY = ("--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false")


@dataclass
class RealCosign:
    """One cosign executable, run offline with the key `name`.key in `home`."""

    executable: Path
    home: Path

    def __call__(self, *arguments: str) -> None:
        environment = {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "COSIGN_PASSWORD": "",
            "COSIGN_YES": "true",
            # Nothing here needs Sigstore's own servers; a refused connection is quicker than a name that is looked up.
            "HTTPS_PROXY": "http://127.0.0.1:1",
        }
        done = subprocess.run(
            [self.executable, *arguments], cwd=self.home, env=environment, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, f"{arguments}: {done.stderr}"


def import_key(cosign: RealCosign, name: str) -> ec.EllipticCurvePrivateKey:
    """Make a key, give it to cosign as NAME.key and NAME.pub, and keep it for signing by hand."""
    key = sigstore.new_key()
    pem = cosign.home / f"{name}.pem"
    pem.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    cosign("import-key-pair", "--key", str(pem), "--output-key-prefix", name)
    return key


@dataclass
class Hand:
    """Signs by hand and uploads the result."""

    registry: RealRegistry
    sigstore: OwnSigstore

    def legacy(self, repository: str, digest: str, layers: list[tuple[bytes, dict[str, str]]]) -> None:
        """Store signed claims the way cosign 2 does."""
        described = [
            self.registry.push_blob(repository, claim, SIMPLE) | {"annotations": annotations}
            for claim, annotations in layers
        ]
        config = {"architecture": "", "os": "", "config": {}, "rootfs": {"type": "layers", "diff_ids": []}}
        manifest = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": self.registry.push_blob(repository, json.dumps(config).encode(), OCI_CONFIG),
            "layers": described,
        }
        self.registry.push_manifest(repository, manifest, f"{digest.replace(':', '-')}.sig")

    def claim(
        self,
        repository: str,
        digest: str,
        key: ec.EllipticCurvePrivateKey,
        *,
        certificate: x509.Certificate | None = None,
        logged: bool = True,
        at: int = 0,
        named: str = "",
        log_of: bytes | None = None,
    ) -> tuple[bytes, dict[str, str]]:
        """One signed claim with its annotations; `log_of` logs another content's signature instead of its own."""
        content = sigstore.simple_claim(named or f"{self.registry.host}/{repository}", digest)
        signature = sigstore.sign(key, content)
        annotations = {"dev.cosignproject.cosign/signature": b64(signature)}
        verifier = sigstore.public_pem(key)
        if certificate is not None:
            verifier = certificate.public_bytes(Encoding.PEM)
            annotations["dev.sigstore.cosign/certificate"] = verifier.decode()
            annotations["dev.sigstore.cosign/chain"] = self.sigstore.ca.public_bytes(Encoding.PEM).decode()
        if logged:
            record = sigstore.hashedrekord(signature, content, verifier)
            if log_of is not None:
                record = sigstore.hashedrekord(sigstore.sign(key, log_of), log_of, verifier)
            annotations["dev.sigstore.cosign/bundle"] = self.sigstore.legacy_annotation(
                self.sigstore.log_entry(record, at)
            )
        return content, annotations

    def bundle(
        self,
        repository: str,
        digest: str,
        key: ec.EllipticCurvePrivateKey,
        *,
        certificate: x509.Certificate | None = None,
        logged: bool = True,
        about: str = "",
        predicate: str = sigstore.SIGN_V1,
    ) -> bytes:
        """Attach a bundle signed by hand; `about` is the digest it speaks of, if not the image's own."""
        payload = sigstore.statement(about or digest, predicate)
        signature = sigstore.sign(key, sigstore.pae(payload))
        material: dict[str, Any] = {"publicKey": {"hint": "test"}}
        verifier = sigstore.public_pem(key)
        if certificate is not None:
            material = {"certificate": {"rawBytes": b64(certificate.public_bytes(Encoding.DER))}}
            verifier = certificate.public_bytes(Encoding.PEM)
        if logged:
            entry = self.sigstore.log_entry(sigstore.dsse_record(signature, payload, verifier))
            material["tlogEntries"] = [self.sigstore.bundle_entry(entry, "dsse")]
        envelope = {
            "payload": b64(payload),
            "payloadType": "application/vnd.in-toto+json",
            "signatures": [{"sig": b64(signature)}],
        }
        content = json.dumps({"mediaType": BUNDLE, "verificationMaterial": material, "dsseEnvelope": envelope}).encode()
        self.registry.attach(repository, digest, content, BUNDLE)
        return content
