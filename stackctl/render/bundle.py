"""spec → bundle: every rendered file, in memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl import __version__
from stackctl.catalogue.rules import LeftOut, RuleSet, resolve_rules
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
    rules = resolve_rules(source)
    texts = {
        "prometheus/prometheus.yml": prometheus_yml(spec),
        "alertmanager/alertmanager.yml": alertmanager_yml(spec),
    }
    left_out = list(rules.left_out)
    if spec.gateway.engine == "bundled":
        texts["gateway/gateway.yaml"] = gateway_yaml(spec)
        texts["local/supervisord.conf"] = fill("local/supervisord.conf.j2", spec=spec, name=spec.name)
    else:
        reason = "the local runtime runs the bundled gateway only"
        left_out.append(LeftOut("file", "local/supervisord.conf", reason))
    texts |= {f"prometheus/rules/{name}": text for name, text in rule_files(rules).items()}
    files = {path: (_header(source, path) + text).encode() for path, text in sorted(texts.items())}
    files["alertmanager/templates/stackctl.tmpl"] = verbatim("alertmanager/stackctl.tmpl").encode()
    dashboards = render_dashboards(rules)
    left_out += dashboards.left_out
    files |= {path: text.encode() for path, text in (dashboards.files | own_bundle_files(source.own)).items()}
    return Bundle(files | {MANIFEST: _manifest(source, rules, left_out, files)})


def _header(source: SpecFile, path: str) -> str:
    mark = ";" if path.endswith(".conf") else "#"
    return (
        f"{mark} Rendered by stackctl {__version__} from stack.yaml (sha256 {source.sha256[:12]}).\n"
        f"{mark} Do not edit: change stack.yaml and run `stackctl render`.\n"
    )


def _manifest(source: SpecFile, rules: RuleSet, left_out: list[LeftOut], files: dict[str, bytes]) -> bytes:
    manifest = {
        "version": 1,
        "stackctl": __version__,
        "name": source.spec.name,
        "engine": source.spec.gateway.engine,
        "catalogue": rules.line,
        "runtime": source.spec.runtime,
        "spec_sha256": source.sha256,
        "left_out": [item.as_json() for item in left_out],
        "files": {path: hashlib.sha256(content).hexdigest() for path, content in sorted(files.items())},
    }
    return (json.dumps(manifest, indent=2) + "\n").encode()
