"""Signing policies: the shipped ones, the spec's own, and which one covers an image."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml
from pydantic import ValidationError

from stackctl.errors import UsageError
from stackctl.images.versions import covers, parse_version
from stackctl.spec.images import Denied, SigningPolicy, Trust
from stackctl.yaml_data import load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from stackctl.images.reference import Reference

_SHIPPED = Path(__file__).parent / "policies"


def shipped_policies() -> dict[str, SigningPolicy]:
    """The policies that come with stackctl, by name."""
    found = [load_policy(file) for file in sorted(_SHIPPED.glob("*.yaml"))]
    return {policy.name: policy for policy in found}


def policies_with(own: Iterable[SigningPolicy]) -> dict[str, SigningPolicy]:
    """The shipped policies, with those of a spec added or put in their place; the spec's are asked first."""
    mine = {policy.name: policy for policy in own}
    return mine | {name: policy for name, policy in shipped_policies().items() if name not in mine}


def load_policy(file: Path) -> SigningPolicy:
    """Read one policy file; raises UsageError that names the first fault."""
    try:
        return SigningPolicy.model_validate(load_yaml(file.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"the policy {file} cannot be read: {error}") from error
    except yaml.YAMLError as error:
        raise UsageError(f"the policy {file} is not YAML: {str(error).splitlines()[0]}") from error
    except ValidationError as error:
        raise UsageError(f"the policy {file} is not valid: {first_fault(error)}") from error


def first_fault(error: ValidationError) -> str:
    """The first thing pydantic complains of, in one line."""
    detail = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(str(step) for step in detail["loc"])
    return f"{where + ': ' if where else ''}{detail['msg'].removeprefix('Value error, ')}"


def policy_for(reference: Reference, policies: Mapping[str, SigningPolicy]) -> SigningPolicy | None:
    """The first policy that covers the image's repository."""
    return next((policy for policy in policies.values() if names(policy.images, reference.name)), None)


def names(patterns: Iterable[str], name: str) -> bool:
    """Whether registry/repository `name` is one of `patterns`, or lies below one that ends in /*."""
    return any(name == pattern or (pattern.endswith("/*") and name.startswith(pattern[:-1])) for pattern in patterns)


@dataclass(frozen=True)
class DenyList:
    """What the deny list of a policy says of one image."""

    hit: Denied | None
    applied: bool
    """False if it lists versions and the image's version is not known: then it could not be applied."""


def denied(policy: SigningPolicy, tag: str, digest: str = "") -> DenyList:
    """Look the image up. A version is denied with all its suffixes: 1.107.0 denies v1.107.0-stable as well."""
    version = parse_version(tag)
    for entry in policy.deny:
        bad = parse_version(entry.version or "")
        if (entry.digest and entry.digest == digest) or (bad and version and bad.release == version.release):
            return DenyList(entry, applied=True)
    return DenyList(None, applied=version is not None or not any(entry.version for entry in policy.deny))


def signers_for(policy: SigningPolicy, tag: str) -> list[Trust]:
    """The policy's signers whose versions include the tag's, in order."""
    return [trust for trust in policy.trust if covers(trust.versions, parse_version(tag))]
