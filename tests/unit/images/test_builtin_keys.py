"""The built-in verifier's signatures: every algorithm cosign signs with, and nothing else."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import dsa, ec, ed25519, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from stackctl.images.builtin.bundle import pae
from stackctl.images.builtin.keys import decoded, load_key, signed_by
from stackctl.images.outcome import Stopped

CONTENT = b'{"critical": {}}'


def pem_of(key) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def ecdsa() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(ec.SECP256R1())
    return pem_of(key), key.sign(CONTENT, ec.ECDSA(hashes.SHA256()))


def rsa_2048() -> tuple[bytes, bytes]:
    key = rsa.generate_private_key(65537, 2048)
    return pem_of(key), key.sign(CONTENT, padding.PKCS1v15(), hashes.SHA256())


def edwards() -> tuple[bytes, bytes]:
    key = ed25519.Ed25519PrivateKey.generate()
    return pem_of(key), key.sign(CONTENT)


@pytest.mark.parametrize("make", [ecdsa, rsa_2048, edwards])
def test_a_signature_holds_for_exactly_its_content_and_key(make) -> None:
    pem, signature = make()
    other, _ = make()
    assert signed_by(load_key(pem), signature, CONTENT)
    assert not signed_by(load_key(pem), signature, CONTENT + b" ")
    assert not signed_by(load_key(pem), signature[:-1] + bytes([signature[-1] ^ 1]), CONTENT)
    assert not signed_by(load_key(pem), b"", CONTENT)
    assert not signed_by(load_key(other), signature, CONTENT)


@pytest.mark.parametrize(
    "pem",
    [
        b"",
        b"not a key",
        pem_of(rsa.generate_private_key(65537, 1024)),
        pem_of(dsa.generate_private_key(1024)),
    ],
    ids=["empty", "text", "short RSA", "DSA"],
)
def test_a_key_that_proves_too_little_is_refused(pem: bytes) -> None:
    with pytest.raises(Stopped):
        load_key(pem)


@pytest.mark.parametrize("text", [None, 7, "a", "YQ", "YQ==\n", "Y Q==", "é"])
def test_base64_is_strict(text: object) -> None:
    assert decoded(text) is None
    assert decoded("YQ==") == b"a"


def test_the_pre_authentication_encoding_is_dsse_s_own_example() -> None:
    """https://github.com/secure-systems-lab/dsse/blob/master/protocol.md"""
    assert pae("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
