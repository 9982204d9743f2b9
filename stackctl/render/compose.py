"""spec → compose/compose.yaml: images, users, networks, secrets and health of every container."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict

from stackctl import __version__
from stackctl.render.places import published_address, secret_name
from stackctl.render.templates import fill
from stackctl.resources import data_dir
from stackctl.spec.references import secret_uses
from stackctl.yaml_data import load_yaml

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackctl.spec import Spec

MASTER_KEY = "file:secrets/gateway-master-key"
GRAFANA_PASSWORD = "file:secrets/grafana-password"  # noqa: S105 where it is, not what it is
POSTGRES_PASSWORD = "file:secrets/postgres-password"  # noqa: S105
REDIS_PASSWORD = "file:secrets/redis-password"  # noqa: S105
DATABASE_URL = "database-url"
"""Staged by `up`: the URL of the stack's own PostgreSQL, with its password."""
_CONFIGURED_BY = {"prometheus": "prometheus/", "alertmanager": "alertmanager/", "grafana": "grafana/"}


class Image(BaseModel):
    """An image as `templates/compose/images.yaml` has it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    image: str
    tag: str
    uid: int


@cache
def known_images() -> dict[str, Image]:
    """The images of runtime compose, by part."""
    data = load_yaml((data_dir("templates") / "compose" / "images.yaml").read_text(encoding="utf-8"))
    return {part: Image.model_validate(entry) for part, entry in data.items()}


def services(spec: Spec) -> tuple[str, ...]:
    """The services of the stack, in the order people care about them."""
    optional = {"grafana": spec.runs_grafana, "postgres": spec.own_postgres, "redis": spec.own_redis}
    return ("gateway", "prometheus", "alertmanager", "inbox", *(name for name, runs in optional.items() if runs))


def image_of(spec: Spec, service: str) -> str:
    """`name:tag` of a service, before any digest is known."""
    if service in spec.images.references:
        return spec.images.references[service]
    part = service
    if service == "inbox" or (service == "gateway" and spec.gateway.engine == "bundled"):
        part = "stackctl"
    elif service == "gateway":
        part = "litellm"
    known = known_images()[part]
    tag = {"stackctl": __version__, "litellm": f"v{spec.gateway.release}"}.get(part, known.tag)
    return f"{known.image}:{tag}"


def built_here(spec: Spec, service: str) -> bool:
    """Whether the image of a service is ours, built by `up` and not pulled."""
    ours = service == "inbox" or (service == "gateway" and spec.gateway.engine == "bundled")
    return ours and service not in spec.images.references


def compose_yaml(spec: Spec, rendered: Mapping[str, str], locked: Mapping[str, str]) -> str:
    """The Compose file. `rendered` are the texts of the bundle; `locked` maps an image to repository@digest."""
    needed = secrets_of(spec)
    images = {service: locked.get(image_of(spec, service), image_of(spec, service)) for service in services(spec)}
    return fill(
        "compose/compose.yaml.j2",
        spec=spec,
        images=images | {"stackctl": images["inbox"], "litellm": images["gateway"]},
        secrets=needed,
        all_secrets=sorted({name for names in needed.values() for name in names}),
        volumes=[f"{service}-data" for service in sorted(_keeping(spec))],
        external={part: published_address(spec, part) for part in ("prometheus", "alertmanager", "grafana")},
        digests={service: _config_digest(spec, service, rendered) for service in services(spec)},
        cpus=cpu_limits(spec),
        json=json.dumps,
        ready=_ready,
    )


def cpu_limits(spec: Spec) -> dict[str, float]:
    """The CPUs each service may use at most, where the machine has that many."""
    limits = {"prometheus": 2.0, "alertmanager": 1.0, "inbox": 0.5, "grafana": 1.0, "postgres": 2.0, "redis": 1.0}
    limits["gateway"] = spec.gateway.workers + 1.0
    return {service: limits[service] for service in services(spec)}


def secrets_of(spec: Spec) -> dict[str, list[str]]:
    """The names of the secrets each service reads from /run/secrets."""
    uses = secret_uses(spec)
    token = [secret_name(use.reference) for use in uses if use.reader == "metrics"]
    own = [POSTGRES_PASSWORD, GRAFANA_PASSWORD, REDIS_PASSWORD]
    postgres, grafana, redis = ([secret_name(reference)] for reference in own)
    gateway = [MASTER_KEY, *(use.reference for use in uses if use.reader == "gateway")]
    found = {
        "gateway": [*map(secret_name, gateway), *token, *(redis if spec.own_redis else []), *_database_url(spec)],
        "prometheus": token + _web("prometheus", spec.prometheus.password),
        "alertmanager": [secret_name(use.reference) for use in uses if use.reader == "alertmanager"]
        + _web("alertmanager", spec.alertmanager.password),
        "inbox": [],
        "grafana": grafana,
        "postgres": postgres,
        "redis": redis,
    }
    if spec.gateway.engine == "litellm" and not token:
        found["prometheus"].append(secret_name(MASTER_KEY))
    if spec.alertmanager.password:
        found["prometheus"].append("alertmanager-password")
    if spec.prometheus.password:
        found["grafana"].append("prometheus-password")
    return {service: list(dict.fromkeys(found[service])) for service in services(spec)}


def _database_url(spec: Spec) -> list[str]:
    return [DATABASE_URL] if spec.own_postgres else []


def _web(part: str, password: str | None) -> list[str]:
    """What a part with a password needs: its web configuration, the password, and the header for its own probe."""
    return [f"{part}-web", f"{part}-password", f"{part}-basic"] if password else []


def _keeping(spec: Spec) -> tuple[str, ...]:
    stateless = {"gateway"} if spec.gateway.engine == "litellm" else set()
    return tuple(service for service in services(spec) if service not in stateless)


def _config_digest(spec: Spec, service: str, rendered: Mapping[str, str]) -> str:
    folder = _CONFIGURED_BY.get(service, "litellm/" if spec.gateway.engine == "litellm" else "gateway/")
    if service not in ("gateway", *_CONFIGURED_BY):
        return "none"
    mine = {path: text for path, text in rendered.items() if path.startswith(folder)}
    return hashlib.sha256(json.dumps(mine, sort_keys=True).encode()).hexdigest()[:16]


def _ready(path: str, password: str | None) -> list[str]:
    """The healthcheck of a part that answers on HTTP. With a password it is the shell itself that writes the request:
    an argument of `wget` could be read in the process list of the host."""
    port, _, rest = path.partition("/")
    if password is None:
        return ["CMD", "wget", "-q", "-O", "/dev/null", f"http://127.0.0.1:{path}"]
    part = "prometheus" if port == "9090" else "alertmanager"
    request = f"GET /{rest} HTTP/1.0\\r\\nAuthorization: Basic %s\\r\\n\\r\\n"
    credentials = f'"$$(cat /run/secrets/{part}-basic)"'
    return ["CMD-SHELL", f"printf '{request}' {credentials} | nc 127.0.0.1 {port} | grep -q '^HTTP/1.. 200 '"]
