"""The signing policy a command line describes."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackctl.errors import UsageError

if TYPE_CHECKING:
    from stackctl.images.reference import Reference
    from stackctl.spec.images import Images, SigningPolicy


def given_policy(
    policy: str,
    key: str,
    key_sha256: str,
    identity: str,
    issuer: str,
    ignore_log: bool,
    trusted_root: str,
    signed_as: list[str],
) -> SigningPolicy | str | None:
    """The policy the options make, the name --policy gives, or None; raises UsageError for what cannot be together."""
    if not (key or identity or issuer):
        if ignore_log or key_sha256 or trusted_root or signed_as:
            raise UsageError("these options say how to trust a signer, but none is given", remedy="give --key as well")
        return policy or None
    if policy:
        raise UsageError("--policy says who must have signed; --key and --certificate-identity say it again")
    return _made(_key(key, key_sha256), identity, issuer, ignore_log, trusted_root, signed_as)


def chosen_policy(given: SigningPolicy | str | None, reference: Reference, settings: Images) -> SigningPolicy | None:
    """The given policy, the named one, or the first that covers the image; None if there is none."""
    from stackctl.images.policy import load_policy, policies_with, policy_for

    known = policies_with(settings.policies)
    if given is None:
        return policy_for(reference, known)
    if not isinstance(given, str):
        return given
    if given in known:
        return known[given]
    if given.endswith((".yaml", ".yml")):
        return load_policy(Path(given))
    raise UsageError(f"there is no policy '{given}'", remedy=f"known: {', '.join(known)}; or give a .yaml file")


def _key(key: str, key_sha256: str) -> dict[str, Any] | None:
    if not key:
        return None
    source = {"url": key} if "://" in key else {"file": str(Path(key).expanduser().absolute())}
    return source | ({"sha256": key_sha256} if key_sha256 else {})


def _made(
    key: dict[str, Any] | None, identity: str, issuer: str, ignore_log: bool, trusted_root: str, signed_as: list[str]
) -> SigningPolicy:
    from pydantic import ValidationError

    from stackctl.images.policy import first_fault
    from stackctl.spec.images import SigningPolicy

    trust = {
        "id": "key" if key else "identity",
        "key": key,
        "identity": identity or None,
        "issuer": issuer or None,
        "transparency_log": "ignored" if ignore_log else "required",
        "trusted_root": str(Path(trusted_root).expanduser().absolute()) if trusted_root else None,
    }
    try:
        return SigningPolicy.model_validate({"name": "command-line", "trust": [trust], "signed_as": signed_as})
    except ValidationError as error:
        raise UsageError(first_fault(error)) from None
