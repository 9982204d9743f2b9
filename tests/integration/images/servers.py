"""Small real HTTP servers: one that holds key files, one that hands out registry tokens."""

from __future__ import annotations

import base64
import datetime as dt
import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from tests.integration.images.sigstore import new_key, sign

if TYPE_CHECKING:
    from collections.abc import Callable

Reply = tuple[int, dict[str, str], bytes]


@dataclass
class Asked:
    """One request."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass
class Server:
    """Answers with `reply`, remembers what it was asked."""

    reply: Callable[[Asked], Reply]
    asked: list[Asked] = field(default_factory=list)

    def __post_init__(self) -> None:
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("content-length") or 0)
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, self.path, headers, self.rfile.read(length).decode())
                outer.asked.append(asked)
                status, answered, body = outer.reply(asked)
                self.send_response(status)
                for name, value in {"content-length": str(len(body)), **answered}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET  # noqa: N815 the base class names it

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.server_port}"

    def stop(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self.thread.join()


class TokenService:
    """A token service as docker-registry expects it: JWTs signed by a certificate it was told to trust."""

    def __init__(self, user: str, password: str, refresh_token: str) -> None:
        self.key = new_key()
        self.certificate = _self_signed(self.key)
        self._basic = "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()
        self._refresh = refresh_token
        self.server = Server(self._reply)

    def settings(self, bundle: str) -> dict[str, Any]:
        """docker-registry's `auth` section."""
        realm = {"realm": f"{self.server.url}/token", "service": "registry", "issuer": "test", "rootcertbundle": bundle}
        return {"auth": {"token": realm}}

    def token(self, scope: str, actions: list[str]) -> str:
        kind, _, rest = scope.partition(":")
        name = rest.rpartition(":")[0]
        now = int(time.time())
        header = {
            "typ": "JWT",
            "alg": "ES256",
            "x5c": [base64.b64encode(self.certificate.public_bytes(Encoding.DER)).decode()],
        }
        claims = {
            "iss": "test",
            "sub": "test",
            "aud": "registry",
            "exp": now + 300,
            "nbf": now - 10,
            "iat": now,
            "jti": str(now),
            "access": [{"type": kind, "name": name, "actions": actions}],
        }
        signed = ".".join(_url64(json.dumps(part).encode()) for part in (header, claims))
        r, s = decode_dss_signature(sign(self.key, signed.encode()))
        return f"{signed}.{_url64(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"

    def _reply(self, asked: Asked) -> Reply:
        query = parse_qs(urlsplit(asked.path).query if asked.method == "GET" else asked.body)
        allowed = asked.headers.get("authorization") == self._basic or query.get("refresh_token") == [self._refresh]
        if not allowed:
            return 401, {}, b"{}"
        token = self.token(query["scope"][0], ["pull"])
        return 200, {"content-type": "application/json"}, json.dumps({"token": token, "access_token": token}).encode()


def _url64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _self_signed(key: ec.EllipticCurvePrivateKey) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "token service")])
    now = dt.datetime.now(dt.UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now - dt.timedelta(hours=1))
    builder = builder.not_valid_after(now + dt.timedelta(hours=1))
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    return builder.sign(key, hashes.SHA256())
