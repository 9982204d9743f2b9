"""Which proxy a deployment's requests go through: its own, the gateway's, or the environment's.

As with curl and Go, `HTTPS_PROXY` and `HTTP_PROXY` hold by the upstream's scheme, `NO_PROXY` lists hosts, domains,
host:port, addresses and networks (10.0.0.0/8, fd00::/8) that are reached directly, and so is whatever runs on this
machine. A network holds for an upstream that is named by its address; no name is resolved for it. What a deployment
says itself goes before all of that.
"""

from __future__ import annotations

import importlib.util
import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit
from urllib.request import getproxies_environment, proxy_bypass_environment  # type: ignore[attr-defined]

from gateway.config.secret import is_reference

DIRECT = "direct"
_SCHEMES = ("http", "https", "socks5", "socks5h")


def check_proxy(text: str) -> str:
    """The field as it stands in a file. Raises ValueError without repeating a password."""
    if text == DIRECT or is_reference(text):
        return text
    check_proxy_url(text)
    if urlsplit(text).password is not None:
        raise ValueError("a proxy's password is a secret: use env:NAME or file:path for the whole URL")
    return text


def check_proxy_url(url: str) -> None:
    """Raises ValueError, without repeating the URL, for what is none, or needs what is not installed."""
    parts = urlsplit(url)
    try:
        fine = parts.scheme in _SCHEMES and bool(parts.hostname) and parts.port != 0 and parts.path in ("", "/")
    except ValueError:
        fine = False
    if not fine:
        raise ValueError(
            f"must be `direct`, env:NAME, file:path or a URL like http://proxy:3128 ({', '.join(_SCHEMES)})"
        )
    if parts.scheme.startswith("socks") and importlib.util.find_spec("socksio") is None:
        raise ValueError("a SOCKS proxy needs the extra: pip install 'stackctl[socks]'")


def proxy_of(url: str, own: str | None, shared: str | None, environment: Mapping[str, str]) -> str | None:
    """The proxy's URL for requests to `url`, or None. `environment` is that of `proxies_of_environment`."""
    if own is not None:
        return None if own == DIRECT else own
    parts = urlsplit(url)
    host = parts.hostname or ""
    if _is_here(host) or proxy_bypass_environment(parts.netloc.rpartition("@")[2], dict(environment)):
        return None
    if _in_networks(host, environment.get("no", "")):
        return None
    if shared is not None:
        return None if shared == DIRECT else shared
    found = environment.get(parts.scheme) or environment.get("all")
    return found if not found or "://" in found else f"http://{found}"


def proxies_of_environment() -> dict[str, str]:
    """By scheme, and `no`. Raises ValueError that names the variable for what is no proxy."""
    found: dict[str, str] = getproxies_environment()
    for scheme in ("http", "https", "all"):
        if url := found.get(scheme):
            try:
                check_proxy_url(url if "://" in url else f"http://{url}")
            except ValueError as error:
                raise ValueError(f"environment variable {scheme.upper()}_PROXY: {error}") from None
    return found


def _is_here(host: str) -> bool:
    if host == "localhost" or host.endswith(".localhost"):
        return True
    address = _address(host)
    return address is not None and address.is_loopback


def _in_networks(host: str, listed: str) -> bool:
    """Whether `host` is an address in one of the networks of a NO_PROXY. As with Go, bits of a host do not matter."""
    address = _address(host)
    return address is not None and any(
        network is not None and address in network for network in map(_network, listed.split(","))
    )


def _address(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return None
    # ::ffff:10.0.0.5 is 10.0.0.5 on the wire.
    return getattr(address, "ipv4_mapped", None) or address


def _network(text: str) -> ipaddress.IPv4Network | ipaddress.IPv6Network | None:
    try:
        return ipaddress.ip_network(text.strip().strip("[]"), strict=False)
    except ValueError:
        return None
