"""Registry authentication: Basic, and bearer tokens as the distribution project specifies them.

https://distribution.github.io/distribution/spec/auth/token/ and .../auth/oauth/
"""

from __future__ import annotations

import base64
import json
import re
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from stackctl.images.outcome import Outcome, Stopped
from stackctl.spec.images import is_loopback

if TYPE_CHECKING:
    from stackctl.images.registry.addresses import Place
    from stackctl.images.registry.credentials import Credentials
    from stackctl.images.registry.http import Http

_PARAMETER = re.compile(r'([A-Za-z]+)="([^"]*)"')
_MAX_TOKEN = 64 * 1024


def authorization(http: Http, place: Place, challenge: str, credentials: Credentials) -> str:
    """The Authorization header that answers a `WWW-Authenticate` challenge; empty if there is none to give.

    Raises Stopped(UNREACHABLE) if the token service refuses or cannot be trusted with credentials.
    """
    scheme, _, rest = challenge.partition(" ")
    if scheme.lower() == "basic":
        return _basic(credentials) if credentials.user else ""
    if scheme.lower() != "bearer":
        return ""
    parameters = {name.lower(): value for name, value in _PARAMETER.findall(rest)}
    realm = parameters.get("realm", "")
    _check_realm(realm, place)
    asked = {"service": parameters.get("service", ""), "scope": f"repository:{place.repository}:pull"}
    if credentials.identity_token:
        data = asked | {"grant_type": "refresh_token", "client_id": "stackctl"}
        answer = http.send("POST", realm, limit=_MAX_TOKEN, data=data | {"refresh_token": credentials.identity_token})
    else:
        headers = {"authorization": _basic(credentials)} if credentials.user else {}
        query = urlencode({name: value for name, value in asked.items() if value})
        separator = "&" if "?" in realm else "?"
        answer = http.send("GET", f"{realm}{separator}{query}", limit=_MAX_TOKEN, headers=headers, redirects=0)
    return f"Bearer {_token(answer.status, answer.body, realm)}"


def _check_realm(realm: str, place: Place) -> None:
    """A registry asked over HTTPS may not send us, and our password, to a plain HTTP address."""
    parts = urlsplit(realm)
    plain = parts.scheme == "http" and place.plain_http and (is_loopback(parts.hostname or "") or not place.loopback)
    if parts.scheme != "https" and not plain:
        raise Stopped(Outcome.UNREACHABLE, f"{place.host} names a token service that is not https: {realm[:100]!r}")


def _token(status: int, body: bytes, realm: str) -> str:
    if status != 200:
        raise Stopped(
            Outcome.UNREACHABLE, f"the token service {realm} answers HTTP {status}", "log in with `docker login`"
        )
    try:
        answer = json.loads(body)
        token = answer.get("token") or answer.get("access_token")
    except (ValueError, AttributeError):
        token = None
    if not isinstance(token, str) or not token.isascii() or not token.isprintable():
        raise Stopped(Outcome.UNREACHABLE, f"the token service {realm} gave no token")
    return token


def _basic(credentials: Credentials) -> str:
    return "Basic " + base64.b64encode(f"{credentials.user}:{credentials.password}".encode()).decode()
