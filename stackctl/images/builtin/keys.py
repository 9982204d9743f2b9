"""Public keys and plain signatures, the algorithms cosign signs with by key: ECDSA, RSA PKCS#1 v1.5 and Ed25519."""

from __future__ import annotations

import base64
import binascii

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from stackctl.images.outcome import Outcome, Stopped

Key = EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey
_MIN_RSA_BITS = 2048


def load_key(pem: bytes) -> Key:
    """A public key from PEM; raises Stopped(UNKNOWN) if it is none cosign would take."""
    try:
        key = load_pem_public_key(pem)
    except (ValueError, UnsupportedAlgorithm):
        raise Stopped(Outcome.UNKNOWN, "the key file is not a PEM public key") from None
    if isinstance(key, RSAPublicKey) and key.key_size < _MIN_RSA_BITS:
        raise Stopped(Outcome.UNKNOWN, f"the RSA key has only {key.key_size} bits")
    if not isinstance(key, EllipticCurvePublicKey | RSAPublicKey | Ed25519PublicKey):
        raise Stopped(Outcome.UNKNOWN, f"keys of type {type(key).__name__} are not supported")
    return key


def signed_by(key: Key, signature: bytes, content: bytes) -> bool:
    """Whether `signature` is the key's over exactly these bytes (SHA-256, save for Ed25519)."""
    try:
        if isinstance(key, EllipticCurvePublicKey):
            key.verify(signature, content, ECDSA(hashes.SHA256()))
        elif isinstance(key, RSAPublicKey):
            key.verify(signature, content, PKCS1v15(), hashes.SHA256())
        else:
            key.verify(signature, content)
    except InvalidSignature:
        return False
    return True


def decoded(text: object) -> bytes | None:
    """Strict base64; None for anything else."""
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else None
    except (binascii.Error, ValueError):
        return None
