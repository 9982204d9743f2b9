"""spec → bundle: every rendered file, in memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl import __version__
from stackctl.catalogue.alerts import resolve_alerts
from stackctl.render.alertmanager import alertmanager_yml
from stackctl.render.dashboards import render_dashboards
from stackctl.render.gateway import gateway_yaml
from stackctl.render.own import own_bundle_files
from stackctl.render.prometheus import prometheus_yml, rule_files
from stackctl.render.templates import fill, verbatim

if TYPE_CHECKING:
    from stackctl.spec import SpecFile

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Bundle:
    """Rendered files by path relative to the bundle directory; the manifest is one of them."""

    files: dict[str, bytes]

    @property
    def manifest(self) -> bytes:
        return self.files[MANIFEST]


def render_bundle(source: SpecFile) -> Bundle:
    """Render everything the spec's runtime needs; raises SpecError where the spec and the catalogue disagree.

    The result depends on the spec's text, the user's own files beside it and the stackctl version only.
    """
    spec = source.spec
    alerts = resolve_alerts(source)
    texts = {
        "gateway/gateway.yaml": gateway_yaml(spec),
        "prometheus/prometheus.yml": prometheus_yml(spec),
        "alertmanager/alertmanager.yml": alertmanager_yml(spec),
        "local/supervisord.conf": fill("local/supervisord.conf.j2", spec=spec, name=spec.name),
    }
    texts |= {f"prometheus/rules/{name}": text for name, text in rule_files(spec, alerts).items()}
    files = {path: (_header(source, path) + text).encode() for path, text in sorted(texts.items())}
    files["alertmanager/templates/stackctl.tmpl"] = verbatim("alertmanager/stackctl.tmpl").encode()
    dashboards = render_dashboards(spec, alerts)
    files |= {path: text.encode() for path, text in (dashboards.files | own_bundle_files(source.own)).items()}
    left_out = [entry.as_json() for entry in dashboards.left_out]
    return Bundle(files | {MANIFEST: _manifest(source, files, left_out)})


def _header(source: SpecFile, path: str) -> str:
    mark = ";" if path.endswith(".conf") else "#"
    return (
        f"{mark} Rendered by stackctl {__version__} from stack.yaml (sha256 {source.sha256[:12]}).\n"
        f"{mark} Do not edit: change stack.yaml and run `stackctl render`.\n"
    )


def _manifest(source: SpecFile, files: dict[str, bytes], left_out: list[dict[str, str]]) -> bytes:
    manifest = {
        "version": 1,
        "stackctl": __version__,
        "name": source.spec.name,
        "engine": source.spec.gateway.engine,
        "runtime": source.spec.runtime,
        "spec_sha256": source.sha256,
        "files": {path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())},
        "left_out": left_out,
    }
    return (json.dumps(manifest, indent=2) + "\n").encode()
