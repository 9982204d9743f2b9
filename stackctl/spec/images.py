"""The `images` section: what must be true of an image before it runs. Shipped policies use the same types."""

import ipaddress
import re
from datetime import date
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from stackctl.spec.section import Section, empty_dict, empty_list

_COMMIT = re.compile(r"[0-9a-f]{40}")
_SHA256 = r"^[0-9a-f]{64}$"
_HOST = r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?$"
_MIRROR = r"^(\[[0-9a-fA-F:]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?(/[a-z0-9._-]+)*$"
_REPOSITORY = r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?(/[a-z0-9._-]+)*(/\*)?$"


def is_loopback(host: str) -> bool:
    """Whether `host`, without a port, is this machine itself."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


def check_key_url(value: str) -> str:
    """`value` if it names one commit over HTTPS (plain HTTP only on loopback); raises ValueError otherwise.

    A branch or tag in the URL can be moved, and whoever moves it chooses the key.
    """
    parts = urlsplit(value)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise ValueError("a key is fetched over https only")
    if parts.username or parts.query or parts.fragment:
        raise ValueError("a key URL has no user, query or fragment")
    if not any(_COMMIT.fullmatch(step) for step in parts.path.split("/")):
        raise ValueError("a key URL must name a commit by its 40 hex digits: a branch or tag can be moved")
    return value


def _text_policy(value: object) -> object:
    """YAML 1.1 reads an unquoted `off` as false."""
    return "off" if value is False else value


KeyUrl = Annotated[str, AfterValidator(check_key_url)]
Sha256 = Annotated[str, Field(pattern=_SHA256)]
Repository = Annotated[str, Field(pattern=_REPOSITORY, max_length=255)]


class PublicKey(Section):
    """Where a public key is, and which one it must be."""

    url: KeyUrl | None = Field(None, description="A URL that names a commit; the SHA-256 decides what is accepted.")
    file: str | None = Field(None, min_length=1, description="A PEM file, relative to the stack directory.")
    sha256: Sha256 | None = Field(None, description="SHA-256 of the key file. Required with a URL.")

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.url is None) == (self.file is None):
            raise ValueError("a key has either a url or a file")
        if self.url and not self.sha256:
            raise ValueError("a key fetched by url needs its sha256: a URL alone does not say which key it is")
        return self


class VersionBounds(Section):
    """First and last version, both included."""

    first: str | None = None
    last: str | None = None


class Versions(VersionBounds):
    """The versions something applies to; `lines` replaces the bounds for single major.minor lines."""

    lines: dict[str, VersionBounds] = Field(default_factory=empty_dict)


class Published(Section):
    """Days of publication; `until` is not included."""

    from_: date | None = Field(None, alias="from")
    until: date | None = None


class Trust(Section):
    """One acceptable signer: a key, or an identity with the issuer that vouches for it."""

    id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$", description="Names this signer in reports and stack.lock.")
    key: PublicKey | None = None
    identity: str | None = Field(None, min_length=1, description="The exact subject of the signing certificate.")
    issuer: str | None = Field(None, pattern=r"^https?://", description="The OIDC issuer of that identity.")
    versions: Versions = Field(Versions.defaults(), description="Versions this signer signed. None: any.")
    published: Published = Field(
        Published.defaults(),
        description="When this signer signed; compared with the log's time where a signature carries one.",
    )
    transparency_log: Literal["required", "ignored"] = Field(
        "required", description="`ignored` accepts signatures that are in no log; only for keys."
    )
    trusted_root: str | None = Field(
        None, description="A Sigstore trusted_root.json, relative to the stack directory; else Sigstore's public one."
    )
    note: str = ""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        keyless = self.identity is not None or self.issuer is not None
        if keyless == (self.key is not None):
            raise ValueError("a signer is either a key, or an identity with its issuer")
        if keyless and (self.identity is None or self.issuer is None):
            raise ValueError("an identity proves nothing without its issuer: give both")
        if keyless and self.transparency_log == "ignored":
            raise ValueError("without the log nothing says when a keyless signature was made: it cannot be ignored")
        return self


class Denied(Section):
    """A release that must not run, however well it is signed."""

    version: str | None = None
    digest: str | None = Field(None, pattern=r"^sha256:[0-9a-f]{64}$")
    reason: str = Field(min_length=1)

    @model_validator(mode="after")
    def _one_name(self) -> Self:
        if (self.version is None) == (self.digest is None):
            raise ValueError("a denied release has either a version or a digest")
        return self


class SigningPolicy(Section):
    """Which signers are believed for which images."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,63}$")
    images: list[Repository] = Field(
        default_factory=empty_list, description="Repositories it covers; `host/path/*` covers everything below."
    )
    source: str = Field("", description="Where these facts come from.")
    trust: list[Trust] = Field(min_length=1, description="Acceptable signers, tried in order.")
    deny: list[Denied] = Field(default_factory=empty_list)
    signed_as: list[Repository] = Field(
        default_factory=empty_list, description="Repositories a signature may name besides the one asked for."
    )
    min_cosign: str | None = Field(None, pattern=r"^\d+\.\d+\.\d+$", description="The oldest cosign that will do.")


class RegistrySettings(Section):
    """How one registry is reached."""

    mirror: str | None = Field(None, pattern=_MIRROR, description="host[:port][/prefix] to ask instead of it.")
    insecure: bool = Field(
        False, description="Plain HTTP. Loopback registries are asked over HTTP without this; others never are."
    )


class Images(Section):
    """Container images: what must be true of them before they run."""

    policy: Annotated[Literal["verify", "off"], BeforeValidator(_text_policy)] = Field(
        "off",
        description="`verify`: `up` verifies every image before it starts anything and runs exactly the verified "
        "digest. An image without a policy is refused unless `exempt` says why it may run.",
    )
    verifier: Literal["cosign", "builtin"] = Field(
        "cosign", description="`builtin` verifies in Python. It is not cosign and is never chosen for you."
    )
    references: dict[str, str] = Field(
        default_factory=empty_dict,
        description="The image of each part, such as `gateway: ghcr.io/berriai/litellm:v1.104.6`.",
    )
    exempt: dict[str, Annotated[str, Field(min_length=1)]] = Field(
        default_factory=empty_dict,
        description="Parts whose image need not be signed, each with the reason. They are pinned by digest only.",
    )
    policies: list[SigningPolicy] = Field(
        default_factory=empty_list, description="Policies of your own; one with a shipped policy's name replaces it."
    )
    registries: dict[Annotated[str, Field(pattern=_HOST)], RegistrySettings] = Field(
        default_factory=empty_dict, description="Mirrors and plain-HTTP registries, by the host the references name."
    )
