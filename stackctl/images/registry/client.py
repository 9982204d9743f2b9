"""Manifests, blobs, referrers and tags of one registry. Digests are computed from the bytes, never read from a header."""

from __future__ import annotations

import hashlib
import json
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from stackctl.images.outcome import Outcome, Stopped
from stackctl.images.reference import is_digest, is_tag
from stackctl.images.registry.auth import authorization
from stackctl.images.registry.credentials import credentials_for
from stackctl.images.registry.http import Answer, Http

if TYPE_CHECKING:
    from stackctl.images.reference import Reference
    from stackctl.images.registry.addresses import Place

INDEX_TYPES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFEST_TYPES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
_MAX_MANIFEST = 4 * 1024 * 1024
"""The bound the distribution project sets itself."""
_MAX_TAG_PAGES = 50
_NO_REFERRERS_API = (400, 404, 405, 406, 501)
"""404 by the specification; older registries answer a path they do not know in other ways."""
_LINK_NEXT = 'rel="next"'


@dataclass(frozen=True)
class Manifest:
    """A manifest or index: its bytes, and the digest computed from them."""

    content: bytes
    media_type: str

    @property
    def digest(self) -> str:
        return "sha256:" + hashlib.sha256(self.content).hexdigest()

    @property
    def data(self) -> dict[str, Any]:
        """The parsed document; empty if it is not a JSON object."""
        try:
            parsed = json.loads(self.content)
        except ValueError:
            return {}
        return parsed if isinstance(parsed, dict) else {}


class Registry:
    """Reads from registries; remembers tokens for its lifetime. Safe to share between threads."""

    def __init__(self, http: Http | None = None) -> None:
        self.http = http or Http()
        self._authorizations: dict[tuple[str, str], str] = {}
        self._lock = threading.Lock()

    def resolve(self, place: Place, reference: Reference) -> Manifest:
        """The image's index or manifest. A given digest must fit the bytes.

        Raises Stopped(MISSING) if there is none, Stopped(UNREACHABLE) if the registry does not answer as it should.
        """
        wanted = reference.digest or reference.tag
        manifest = self.manifest(place, wanted)
        if manifest is None:
            raise Stopped(Outcome.MISSING, f"{place.host} has no {place.repository} {wanted}", "check name and tag")
        if reference.digest and manifest.digest != reference.digest:
            raise Stopped(Outcome.UNKNOWN, f"{place.host} answers {wanted} with bytes of another digest")
        return manifest

    def manifest(self, place: Place, wanted: str) -> Manifest | None:
        """A manifest by tag or digest; None if there is none. Its digest is not compared with anything."""
        answer = self._get(
            place, f"{place.url}/manifests/{wanted}", _MAX_MANIFEST, ", ".join(INDEX_TYPES + MANIFEST_TYPES)
        )
        if answer is None:
            return None
        return Manifest(answer.body, answer.headers.get("content-type", "").partition(";")[0].strip())

    def blob(self, place: Place, digest: str, limit: int) -> bytes | None:
        """A blob of at most `limit` bytes whose bytes have `digest`; None if it is absent or does not fit."""
        answer = self._get(place, f"{place.url}/blobs/{digest}", limit, "*/*") if is_digest(digest) else None
        if answer is None or "sha256:" + hashlib.sha256(answer.body).hexdigest() != digest:
            return None
        return answer.body

    def referrers(self, place: Place, digest: str) -> list[dict[str, Any]]:
        """Descriptors of what refers to `digest`, by the referrers API or its fallback tag (OCI 1.1)."""
        answer = self._get(
            place, f"{place.url}/referrers/{digest}", _MAX_MANIFEST, INDEX_TYPES[0], absent=_NO_REFERRERS_API
        )
        found = Manifest(answer.body, "") if answer else self.manifest(place, digest.replace(":", "-"))
        listed = found.data.get("manifests") if found else None
        return [entry for entry in listed if isinstance(entry, dict)] if isinstance(listed, list) else []

    def tags(self, place: Place) -> list[str]:
        """Every tag, page by page; raises Stopped(MISSING) if the repository is unknown."""
        url: str | None = f"{place.url}/tags/list?n=1000"
        found: list[str] = []
        for _ in range(_MAX_TAG_PAGES):
            answer = self._get(place, url, _MAX_MANIFEST, "application/json") if url else None
            if answer is None:
                break
            found += [tag for tag in Manifest(answer.body, "").data.get("tags") or [] if is_tag(str(tag))]
            url = _next_page(answer)
            if url is None:
                return found
        if not found:
            raise Stopped(Outcome.MISSING, f"{place.host} has no repository {place.repository}", "check the name")
        return found

    def _get(self, place: Place, url: str, limit: int, accept: str, absent: tuple[int, ...] = (404,)) -> Answer | None:
        key = (place.host, place.repository)
        with self._lock:
            known = self._authorizations.get(key, "")
        answer = self._send(url, limit, accept, known)
        if answer.status == 401:
            challenge = answer.headers.get("www-authenticate", "")
            fresh = authorization(self.http, place, challenge, credentials_for(place.host))
            with self._lock:
                self._authorizations[key] = fresh
            answer = self._send(url, limit, accept, fresh) if fresh else answer
        return None if answer.status in absent else _accepted(answer, place)

    def _send(self, url: str, limit: int, accept: str, authorization_: str) -> Answer:
        headers = {"accept": accept} | ({"authorization": authorization_} if authorization_ else {})
        return self.http.send("GET", url, limit=limit, headers=headers)


def _accepted(answer: Answer, place: Place) -> Answer:
    if answer.status == 200:
        return answer
    if answer.status in (401, 403):
        raise Stopped(
            Outcome.UNREACHABLE,
            f"{place.host} refuses access to {place.repository} (HTTP {answer.status}): it is private or does not exist",
            f"log in with `docker login {place.host}`",
        )
    raise Stopped(Outcome.UNREACHABLE, f"{place.host} answers HTTP {answer.status}", "try again later")


def _next_page(answer: Answer) -> str | None:
    """The address of the next page (RFC 8288), on the same host only."""
    link = answer.headers.get("link", "")
    if _LINK_NEXT not in link or not link.startswith("<"):
        return None
    target = urljoin(answer.url, link[1:].partition(">")[0])
    return target if urlsplit(target).netloc == urlsplit(answer.url).netloc else None
