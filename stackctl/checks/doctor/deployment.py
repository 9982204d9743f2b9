"""A whole deployment from its files: the Compose file, LiteLLM's configuration, Prometheus' configuration and rules."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from stackctl.checks.doctor.service import Service
from stackctl.errors import UsageError
from stackctl.source import Node, read_yaml
from stackctl.source.node import Lines

if TYPE_CHECKING:
    from collections.abc import Iterator

    from stackctl.checks.doctor.service import Role

Launch = Literal["litellm", "uvicorn", "gunicorn", "gateway"]
_NOTHING = Node(None, Lines("", (0,)), 0)


@dataclass(frozen=True)
class ScrapeJob:
    """One scrape job with the defaults of `global` filled in."""

    node: Node
    name: str
    path: str
    interval: str
    interval_node: Node
    targets: tuple[tuple[str, Node], ...]

    @property
    def authorized(self) -> bool:
        return any(
            self.node.get(key) for key in ("authorization", "basic_auth", "bearer_token", "bearer_token_file", "oauth2")
        )

    @property
    def follows_redirects(self) -> bool:
        return self.node.get("follow_redirects").data is not False


@dataclass(frozen=True)
class Deployment:
    """What was read. A file that was not given is an empty node, and checks on it find nothing."""

    compose: Node = _NOTHING
    config: Node = _NOTHING
    prometheus: Node = _NOTHING
    alertmanager: Node = _NOTHING
    rules: tuple[Path, ...] = ()
    engine: Literal["litellm", "bundled"] = "litellm"
    files: tuple[Path, ...] = field(default=())

    @cached_property
    def services(self) -> tuple[Service, ...]:
        return tuple(
            Service(name, node, self.compose.get("services").key_position(name))
            for name, node in self.compose.get("services").items()
        )

    def of_role(self, role: Role) -> tuple[Service, ...]:
        return tuple(service for service in self.services if service.role == role)

    @property
    def gateways(self) -> tuple[Service, ...]:
        if self.engine == "bundled":
            return tuple(service for service in self.services if service.name == "gateway")
        return self.of_role("gateway")

    @cached_property
    def jobs(self) -> tuple[ScrapeJob, ...]:
        shared = self.prometheus.get("global", "scrape_interval")
        return tuple(_job(node, shared) for node in self.prometheus.get("scrape_configs"))

    @property
    def gateway_jobs(self) -> tuple[ScrapeJob, ...]:
        """The jobs that scrape the gateway: by its service's name, or by port 4000 or job name where it is elsewhere."""
        names = {service.name for service in self.gateways}
        return tuple(job for job in self.jobs if any(_is_gateway(target, job, names) for target, _ in job.targets))

    @property
    def counts_requests(self) -> bool:
        """Whether the Prometheus callback is on; without a configuration nobody knows, and it is taken to be."""
        if not self.config:
            return True
        settings = self.config.get("litellm_settings")
        lists = ("callbacks", "success_callback", "failure_callback")
        return any("prometheus" in _texts(settings.get(key)) for key in lists)


def read_deployment(
    compose: Path | None = None,
    config: Path | None = None,
    prometheus: Path | None = None,
    alertmanager: Path | None = None,
) -> Deployment:
    """Read the files; raises UsageError for one that cannot be read, is no YAML, or is no Compose file.

    Rule files are looked for beside prometheus.yml, under the names it gives them.
    """
    given = [path for path in (compose, config, prometheus, alertmanager) if path is not None]
    if not given:
        raise UsageError("no file was given", remedy="name --compose, --config or --prometheus")
    nodes = {path: _read(path) for path in given}
    if compose and not isinstance(nodes[compose].get("services").data, dict):
        raise UsageError(f"{compose} has no services: it is not a Compose file", remedy="name docker-compose.yml")
    scraping = nodes[prometheus] if prometheus else _NOTHING
    rules = tuple(_rule_files(scraping, prometheus)) if prometheus else ()
    return Deployment(
        compose=nodes[compose] if compose else _NOTHING,
        config=nodes[config] if config else _NOTHING,
        prometheus=scraping,
        alertmanager=nodes[alertmanager] if alertmanager else _NOTHING,
        rules=rules,
        files=(*given, *rules),
    )


def launch_of(service: Service) -> Launch:
    """What starts the workers: LiteLLM's own command, which prepares the metrics directory, or a bare server."""
    for word in service.words:
        program = word.rpartition("/")[2]
        if program in ("uvicorn", "gunicorn"):
            return "gunicorn" if program == "gunicorn" else "uvicorn"
    return "litellm"


def workers_of(service: Service) -> int:
    """Worker processes of one container."""
    given = service.option("--num_workers", "--workers", "-w")
    for text in (given, *(service.environment[name].text for name in _WORKER_VARIABLES if name in service.environment)):
        if text.isdigit():
            return int(text)
    return 1


_WORKER_VARIABLES = ("NUM_WORKERS", "WEB_CONCURRENCY")


def processes_of(deployment: Deployment) -> int:
    """Worker processes of all gateways together."""
    return sum(workers_of(service) * service.replicas for service in deployment.gateways)


def _read(path: Path) -> Node:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"{path} cannot be read: {reason}") from None
    return read_yaml(text, str(path))


def _job(node: Node, shared: Node) -> ScrapeJob:
    own = node.get("scrape_interval")
    interval = own or shared
    targets = tuple((item.text, item) for group in node.get("static_configs") for item in group.get("targets"))
    path = node.get("metrics_path").text or "/metrics"
    return ScrapeJob(node, node.get("job_name").text, path, interval.text or "1m", interval, targets)


def _is_gateway(target: str, job: ScrapeJob, names: set[str]) -> bool:
    host, _, port = target.partition(":")
    return host in names or port == "4000" or "litellm" in job.name.lower()


def _texts(node: Node) -> list[str]:
    return [node.text] if node.text else [item.text for item in node]


def _rule_files(prometheus: Node, file: Path) -> Iterator[Path]:
    for item in prometheus.get("rule_files"):
        pattern = Path(item.text)
        beside = file.parent / (pattern.name if pattern.is_absolute() else item.text)
        matches = sorted(beside.parent.glob(beside.name)) or sorted(file.parent.glob(f"**/{pattern.name}"))
        yield from (match for match in matches if match.is_file())
