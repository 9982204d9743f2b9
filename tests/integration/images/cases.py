"""The cases of the matrix in docs/verify-image.md: each makes its image and says by what policy to judge it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from stackctl.images.key_files import sha256_of
from stackctl.spec.images import SigningPolicy
from tests.integration.images import sigstore
from tests.integration.images.signing import V3_LEGACY
from tests.integration.images.sigstore import BUNDLE
from tests.integration.images.world import Question, World
from tests.ports import free_port

if TYPE_CHECKING:
    from collections.abc import Callable

PROVENANCE = "https://slsa.dev/provenance/v1"

CASES: dict[str, Callable[[World, str], Question]] = {}


def case(function: Callable[[World, str], Question]) -> Callable[[World, str], Question]:
    CASES[function.__name__.replace("_", "-")] = function
    return function


@case
def ok_legacy_tag(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.sign2(world.at(name, digest))
    return Question(image, world.by_key())


@case
def ok_legacy_digest(world: World, name: str) -> Question:
    _, digest = world.image(name)
    world.sign2(world.at(name, digest))
    return Question(world.at(name, digest), world.by_key())


@case
def ok_legacy_by_cosign_3(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.cosign3("sign", "--key", "ours.key", *V3_LEGACY, world.at(name, digest))
    return Question(image, world.by_key())


@case
def ok_bundle_tag(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.sign3(world.at(name, digest))
    return Question(image, world.by_key())


@case
def ok_bundle_digest(world: World, name: str) -> Question:
    _, digest = world.image(name)
    world.sign3(world.at(name, digest))
    return Question(world.at(name, digest), world.by_key())


@case
def ok_index(world: World, name: str) -> Question:
    index, _ = world.registry.push_index(name, "v1.0.0")
    world.sign2(world.at(name, index))
    return Question(f"{world.registry.host}/{name}:v1.0.0", world.by_key())


@case
def platform_of_signed_index(world: World, name: str) -> Question:
    index, platforms = world.registry.push_index(name, "v1.0.0")
    world.sign2(world.at(name, index))
    return Question(world.at(name, platforms[0]), world.by_key())


@case
def ok_keyless_legacy(world: World, name: str) -> Question:
    image, digest = world.image(name)
    key = sigstore.new_key()
    world.hand.legacy(name, digest, [world.hand.claim(name, digest, key, certificate=world.certificate(key))])
    return Question(image, world.keyless())


@case
def ok_keyless_bundle(world: World, name: str) -> Question:
    image, digest = world.image(name)
    key = sigstore.new_key()
    world.hand.bundle(name, digest, key, certificate=world.certificate(key))
    return Question(image, world.keyless())


@case
def ok_legacy_logged(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.hand.legacy(name, digest, [world.hand.claim(name, digest, world.keys["ours"])])
    return Question(image, world.by_key(log="required"))


@case
def ok_bundle_logged(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.hand.bundle(name, digest, world.keys["ours"])
    return Question(image, world.by_key(log="required"))


@case
def ok_second_of_two_signatures(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.sign2(world.at(name, digest), "theirs")
    world.sign2(world.at(name, digest), "ours")
    return Question(image, world.by_key())


@case
def ok_last_of_three_signers(world: World, name: str) -> Question:
    signers = [policy.trust[0] for policy in (world.keyless(), world.by_key("theirs"), world.by_key())]
    return Question(ok_legacy_tag(world, name).image, world.by_key().model_copy(update={"trust": signers}))


@case
def ok_key_by_url(world: World, name: str) -> Question:
    content = (world.home / "ours.pub").read_bytes()
    return Question(ok_legacy_tag(world, name).image, key_by_url(world, "blobs", sha256_of(content)))


@case
def unsigned(world: World, name: str) -> Question:
    image, _ = world.image(name)
    return Question(image, world.by_key())


@case
def wrong_key_legacy(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.sign2(world.at(name, digest), "theirs")
    return Question(image, world.by_key())


@case
def wrong_key_bundle(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.sign3(world.at(name, digest), "theirs")
    return Question(image, world.by_key())


@case
def wrong_identity_legacy(world: World, name: str) -> Question:
    return Question(ok_keyless_legacy(world, name).image, world.keyless("https://github.com/evil/x@refs/heads/main"))


@case
def wrong_identity_bundle(world: World, name: str) -> Question:
    return Question(ok_keyless_bundle(world, name).image, world.keyless("https://github.com/evil/x@refs/heads/main"))


@case
def wrong_issuer_bundle(world: World, name: str) -> Question:
    return Question(ok_keyless_bundle(world, name).image, world.keyless(issuer="https://accounts.example.com"))


@case
def key_asked_of_keyless_legacy(world: World, name: str) -> Question:
    return Question(ok_keyless_legacy(world, name).image, world.by_key())


@case
def key_asked_of_keyless_bundle(world: World, name: str) -> Question:
    return Question(ok_keyless_bundle(world, name).image, world.by_key())


@case
def keyless_asked_of_key_legacy(world: World, name: str) -> Question:
    return Question(ok_legacy_logged(world, name).image, world.keyless())


@case
def keyless_asked_of_key_bundle(world: World, name: str) -> Question:
    return Question(ok_bundle_logged(world, name).image, world.keyless())


@case
def tampered_payload_legacy(world: World, name: str) -> Question:
    image, digest = world.image(name)
    claim, annotations = world.hand.claim(name, digest, world.keys["ours"], logged=False)
    changed = claim.replace(b'"optional": null', b'"optional": {"a": "b"}')
    assert changed != claim
    world.hand.legacy(name, digest, [(changed, annotations)])
    return Question(image, world.by_key())


@case
def tampered_payload_bundle(world: World, name: str) -> Question:
    image, digest = world.image(name)
    other, other_digest = world.image(f"{name}-other")
    bundle = json.loads(world.hand.bundle(f"{name}-other", other_digest, world.keys["ours"], logged=False))
    bundle["dsseEnvelope"]["payload"] = sigstore.b64(sigstore.statement(digest))
    world.registry.attach(name, digest, json.dumps(bundle).encode(), BUNDLE)
    assert other != image
    return Question(image, world.by_key())


@case
def tampered_manifest_digest(world: World, name: str) -> Question:
    _, digest = world.image(name)
    world.sign2(world.at(name, digest))
    world.registry.corrupt(digest, (b'"salt"', b'"sALT"'))
    return Question(world.at(name, digest), world.by_key())


@case
def tampered_manifest_tag(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.sign2(world.at(name, digest))
    world.registry.corrupt(digest, (b'"salt"', b'"sALT"'))
    return Question(image, world.by_key())


@case
def moved_signature_legacy(world: World, name: str) -> Question:
    image, digest = world.image(name)
    _, signed = world.image(name, "v0.9.0")
    world.hand.legacy(name, digest, [world.hand.claim(name, signed, world.keys["ours"], logged=False)])
    return Question(image, world.by_key())


@case
def moved_signature_bundle(world: World, name: str) -> Question:
    image, digest = world.image(name)
    _, signed = world.image(name, "v0.9.0")
    world.hand.bundle(name, digest, world.keys["ours"], logged=False, about=signed)
    return Question(image, world.by_key())


@case
def other_repository_named(world: World, name: str) -> Question:
    image, digest = world.image(name)
    claim = world.hand.claim(name, digest, world.keys["ours"], logged=False, named="ghcr.io/acme/something-else")
    world.hand.legacy(name, digest, [claim])
    return Question(image, world.by_key())


@case
def only_attestation(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.hand.bundle(name, digest, world.keys["ours"], logged=False, predicate=PROVENANCE)
    return Question(image, world.by_key())


@case
def attestation_beside_signature(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.sign3(world.at(name, digest))
    world.hand.bundle(name, digest, world.keys["ours"], logged=False, predicate=PROVENANCE)
    return Question(image, world.by_key())


@case
def foreign_bundle_beside_legacy(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.sign2(world.at(name, digest))
    world.sign3(world.at(name, digest), "theirs")
    return Question(image, world.by_key())


@case
def foreign_bundle_beside_bundle(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.sign3(world.at(name, digest), "theirs")
    world.sign3(world.at(name, digest))
    return Question(image, world.by_key())


@case
def log_required_legacy_unlogged(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.sign2(world.at(name, digest))
    return Question(image, world.by_key(log="required"))


@case
def log_required_bundle_unlogged(world: World, name: str) -> Question:
    image, digest = world.image(name)
    world.sign3(world.at(name, digest))
    return Question(image, world.by_key(log="required"))


@case
def log_entry_of_another_signature(world: World, name: str) -> Question:
    image, digest = world.image(name)
    claim = world.hand.claim(name, digest, world.keys["ours"], log_of=b"something else that we signed once")
    world.hand.legacy(name, digest, [claim])
    return Question(image, world.by_key(log="required"))


@case
def signed_outside_the_keys_days(world: World, name: str) -> Question:
    image = ok_legacy_logged(world, name).image
    trust = world.by_key(log="required").trust[0].model_dump(by_alias=True)
    trust["published"] = {"until": "2020-01-01"}
    return Question(image, SigningPolicy.model_validate({"name": "test", "trust": [trust]}))


@case
def offline_without_trusted_root(world: World, name: str) -> Question:
    image = ok_legacy_logged(world, name).image
    trust = world.by_key(log="required").trust[0].model_dump(by_alias=True) | {"trusted_root": None}
    return Question(image, SigningPolicy.model_validate({"name": "test", "trust": [trust]}))


@case
def missing_tag(world: World, name: str) -> Question:
    world.image(name)
    return Question(f"{world.registry.host}/{name}:v2.0.0", world.by_key())


@case
def registry_down(world: World, name: str) -> Question:
    return Question(f"127.0.0.1:{free_port()}/{name}:v1.0.0", world.by_key())


def key_by_url(world: World, where: str, sha256: str) -> SigningPolicy:
    """A policy whose key the registry itself serves, below a path that names a commit."""
    commit = "0112e53046018d726492c814b3644b7d376029d0"
    key = world.registry.push_blob(commit, (world.home / "ours.pub").read_bytes(), "text/plain")
    url = f"http://{world.registry.host}/v2/{commit}/{where}/{key['digest']}"
    trust = {"id": "ours", "key": {"url": url, "sha256": sha256}, "transparency_log": "ignored"}
    return SigningPolicy.model_validate({"name": "test", "trust": [trust]})


@case
def key_404(world: World, name: str) -> Question:
    return Question(ok_legacy_tag(world, name).image, key_by_url(world, "manifests", sha256_of(b"never seen")))


@case
def key_by_url_with_another_hash(world: World, name: str) -> Question:
    return Question(ok_legacy_tag(world, name).image, key_by_url(world, "blobs", sha256_of(b"another key")))


@case
def key_file_missing(world: World, name: str) -> Question:
    return Question(ok_legacy_tag(world, name).image, world.by_key("nobody"))


@case
def key_with_another_hash(world: World, name: str) -> Question:
    key = {"file": str(world.home / "ours.pub"), "sha256": sha256_of(b"another key")}
    trust = {"id": "ours", "key": key, "transparency_log": "ignored"}
    policy = SigningPolicy.model_validate({"name": "test", "trust": [trust]})
    return Question(ok_legacy_tag(world, name).image, policy)


@case
def denied_release(world: World, name: str) -> Question:
    image = ok_legacy_tag(world, name).image
    return Question(image, world.by_key(deny=[{"version": "1.0.0", "reason": "stolen key"}]))


@case
def denied_digest(world: World, name: str) -> Question:
    _, digest = world.image(name)
    world.sign2(world.at(name, digest))
    deny = [{"digest": digest, "reason": "stolen key"}]
    return Question(f"{world.registry.host}/{name}:v1.0.0", world.by_key(deny=deny))


@case
def deny_list_without_version(world: World, name: str) -> Question:
    image = ok_legacy_digest(world, name).image
    return Question(image, world.by_key(deny=[{"version": "9.9.9", "reason": "stolen key"}]))


@case
def changed_since_lock(world: World, name: str) -> Question:
    return Question(ok_legacy_tag(world, name).image, world.by_key(), locked="sha256:" + "0" * 64)
