"""A whole small Sigstore of our own: certificate authority, certificate log, transparency log with one entry at a time.

With its trusted_root.json real cosign and the sigstore library verify keyless signatures without any network. The
formats: RFC 6962 (SCT, Merkle tree), Fulcio's docs/oid-info.md, Rekor's hashedrekord and dsse entries, and
https://github.com/transparency-dev/formats (checkpoint).
"""

from __future__ import annotations

import base64
import datetime as dt
import hashlib
import json
import struct
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

if TYPE_CHECKING:
    from pathlib import Path

BUNDLE = "application/vnd.dev.sigstore.bundle.v0.3+json"
SIGN_V1 = "https://sigstore.dev/cosign/sign/v1"
LOG_NAME = "log.test"
LOG_ORIGIN = f"{LOG_NAME} - 1"
ISSUER_V1 = ObjectIdentifier("1.3.6.1.4.1.57264.1.1")
ISSUER_V2 = ObjectIdentifier("1.3.6.1.4.1.57264.1.8")
SCT_LIST = ObjectIdentifier("1.3.6.1.4.1.11129.2.4.2")
START = "2020-01-01T00:00:00Z"


def new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def sign(key: ec.EllipticCurvePrivateKey, content: bytes) -> bytes:
    return key.sign(content, ec.ECDSA(hashes.SHA256()))


def spki(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def public_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def b64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def simple_claim(repository: str, digest: str) -> bytes:
    """What cosign 2 signs."""
    critical = {
        "identity": {"docker-reference": repository},
        "image": {"docker-manifest-digest": digest},
        "type": "cosign container image signature",
    }
    return json.dumps({"critical": critical, "optional": None}).encode()


def statement(digest: str, predicate_type: str = SIGN_V1) -> bytes:
    """What cosign 3 signs."""
    subject = [{"digest": {"sha256": digest.removeprefix("sha256:")}}]
    document = {"_type": "https://in-toto.io/Statement/v1", "subject": subject, "predicateType": predicate_type}
    return json.dumps(document | {"predicate": {}}).encode()


def pae(payload: bytes) -> bytes:
    kind = b"application/vnd.in-toto+json"
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def hashedrekord(signature: bytes, content: bytes, verifier: bytes) -> dict[str, Any]:
    digest = {"algorithm": "sha256", "value": hashlib.sha256(content).hexdigest()}
    signed = {"content": b64(signature), "publicKey": {"content": b64(verifier)}}
    return {
        "apiVersion": "0.0.1",
        "kind": "hashedrekord",
        "spec": {"data": {"hash": digest}, "signature": signed},
    }


def dsse_record(signature: bytes, payload: bytes, verifier: bytes) -> dict[str, Any]:
    envelope = {"algorithm": "sha256", "value": hashlib.sha256(payload + b"envelope").hexdigest()}
    hashed = {"algorithm": "sha256", "value": hashlib.sha256(payload).hexdigest()}
    signed = [{"signature": b64(signature), "verifier": b64(verifier)}]
    return {
        "apiVersion": "0.0.1",
        "kind": "dsse",
        "spec": {"envelopeHash": envelope, "payloadHash": hashed, "signatures": signed},
    }


@dataclass
class OwnSigstore:
    """The authorities, each with a key of its own."""

    ca_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    ct_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)
    log_key: ec.EllipticCurvePrivateKey = field(default_factory=new_key)

    def __post_init__(self) -> None:
        self.ca = self._authority()

    def trusted_root(self, file: Path) -> Path:
        """Write what verifiers need to know of this Sigstore."""
        root = {
            "mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1",
            "tlogs": [_log(self.log_key, "https://log.test")],
            "certificateAuthorities": [
                {
                    "subject": {"organization": "test", "commonName": "test"},
                    "uri": "https://ca.test",
                    "certChain": {"certificates": [{"rawBytes": b64(self.ca.public_bytes(Encoding.DER))}]},
                    "validFor": {"start": START},
                }
            ],
            "ctlogs": [_log(self.ct_key, "https://ct.test")],
            "timestampAuthorities": [],
        }
        file.write_text(json.dumps(root))
        return file

    def certificate(self, key: ec.EllipticCurvePrivateKey, identity: str, issuer: str) -> x509.Certificate:
        """A ten-minute certificate as Fulcio issues them, with an embedded SCT."""
        now = dt.datetime.now(dt.UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([]))
            .issuer_name(self.ca.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(minutes=2))
            .not_valid_after(now + dt.timedelta(minutes=8))
            .add_extension(_key_usage(digital_signature=True), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CODE_SIGNING]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self.ca_key.public_key()), critical=False)
            .add_extension(x509.SubjectAlternativeName([x509.UniformResourceIdentifier(identity)]), critical=True)
            .add_extension(x509.UnrecognizedExtension(ISSUER_V1, issuer.encode()), critical=False)
            .add_extension(x509.UnrecognizedExtension(ISSUER_V2, _utf8_string(issuer)), critical=False)
        )
        before = builder.sign(self.ca_key, hashes.SHA256())
        scts = x509.UnrecognizedExtension(SCT_LIST, self._sct_list(before.tbs_certificate_bytes))
        return builder.add_extension(scts, critical=False).sign(self.ca_key, hashes.SHA256())

    def log_entry(self, record: dict[str, Any], at: int = 0) -> dict[str, Any]:
        """The record logged: canonical body, time, and the log's signed promise."""
        body = b64(json.dumps(record, sort_keys=True, separators=(",", ":")).encode())
        payload = {
            "body": body,
            "integratedTime": at or int(time.time()),
            "logID": hashlib.sha256(spki(self.log_key)).hexdigest(),
            "logIndex": 0,
        }
        canonical = json.dumps(payload, sort_keys=True, separators=(",", ":")).encode()
        return payload | {"promise": b64(sign(self.log_key, canonical))}

    def legacy_annotation(self, entry: dict[str, Any]) -> str:
        """The entry as a tag-stored signature carries it."""
        payload = {name: value for name, value in entry.items() if name != "promise"}
        return json.dumps({"SignedEntryTimestamp": entry["promise"], "Payload": payload})

    def bundle_entry(self, entry: dict[str, Any], kind: str) -> dict[str, Any]:
        """The entry as a bundle carries it: promise, proof of inclusion in a tree of one, signed checkpoint."""
        body = base64.b64decode(entry["body"])
        root = hashlib.sha256(b"\x00" + body).digest()
        log_id = hashlib.sha256(spki(self.log_key)).digest()
        note = f"{LOG_ORIGIN}\n1\n{b64(root)}\n"
        signed = b64(log_id[:4] + sign(self.log_key, note.encode()))
        proof = {
            "logIndex": "0",
            "rootHash": b64(root),
            "treeSize": "1",
            "hashes": [],
            "checkpoint": {"envelope": f"{note}\n— {LOG_NAME} {signed}\n"},
        }
        return {
            "logIndex": "0",
            "logId": {"keyId": b64(log_id)},
            "kindVersion": {"kind": kind, "version": "0.0.1"},
            "integratedTime": str(entry["integratedTime"]),
            "inclusionPromise": {"signedEntryTimestamp": entry["promise"]},
            "inclusionProof": proof,
            "canonicalizedBody": entry["body"],
        }

    def _authority(self) -> x509.Certificate:
        name = x509.Name(
            [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "test"), x509.NameAttribute(NameOID.COMMON_NAME, "test")]
        )
        now = dt.datetime.now(dt.UTC)
        return (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(self.ca_key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - dt.timedelta(days=1))
            .not_valid_after(now + dt.timedelta(days=1))
            .add_extension(x509.BasicConstraints(ca=True, path_length=1), critical=True)
            .add_extension(_key_usage(key_cert_sign=True, crl_sign=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(self.ca_key.public_key()), critical=False)
            .sign(self.ca_key, hashes.SHA256())
        )

    def _sct_list(self, tbs: bytes) -> bytes:
        """RFC 6962, 3.2 and 3.3: one SCT over the certificate without this extension."""
        milliseconds = int(time.time() * 1000)
        issuer = hashlib.sha256(spki(self.ca_key)).digest()
        signed = struct.pack("!BBQH", 0, 0, milliseconds, 1) + issuer + len(tbs).to_bytes(3, "big") + tbs + b"\0\0"
        signature = sign(self.ct_key, signed)
        sct = b"\0" + hashlib.sha256(spki(self.ct_key)).digest() + struct.pack("!QH", milliseconds, 0)
        sct += b"\x04\x03" + len(signature).to_bytes(2, "big") + signature
        entry = len(sct).to_bytes(2, "big") + sct
        listed = len(entry).to_bytes(2, "big") + entry
        return b"\x04" + _der_length(len(listed)) + listed


def _log(key: ec.EllipticCurvePrivateKey, url: str) -> dict[str, Any]:
    return {
        "baseUrl": url,
        "hashAlgorithm": "SHA2_256",
        "publicKey": {
            "rawBytes": b64(spki(key)),
            "keyDetails": "PKIX_ECDSA_P256_SHA_256",
            "validFor": {"start": START},
        },
        "logId": {"keyId": b64(hashlib.sha256(spki(key)).digest())},
    }


def _key_usage(
    *, digital_signature: bool = False, key_cert_sign: bool = False, crl_sign: bool = False
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )


def _utf8_string(text: str) -> bytes:
    return b"\x0c" + _der_length(len(text.encode())) + text.encode()


def _der_length(length: int) -> bytes:
    if length < 128:
        return bytes([length])
    encoded = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([0x80 | len(encoded)]) + encoded
