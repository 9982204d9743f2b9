"""spec → bundle: every rendered file, in memory."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from stackctl import __version__
from stackctl.catalogue.rules import LeftOut, RuleSet, resolve_rules
from stackctl.render.alertmanager import alertmanager_yml
from stackctl.render.compose import compose_yaml
from stackctl.render.dashboards import render_dashboards
from stackctl.render.gateway import gateway_yaml
from stackctl.render.grafana import grafana_files
from stackctl.render.litellm import litellm_config, start_script
from stackctl.render.own import own_bundle_files
from stackctl.render.prometheus import prometheus_yml, rule_files
from stackctl.render.rule_tests import rule_test_files
from stackctl.render.templates import fill, verbatim

if TYPE_CHECKING:
    from collections.abc import Mapping

    from stackctl.spec import Spec, SpecFile

MANIFEST = "manifest.json"


@dataclass(frozen=True)
class Bundle:
    """Rendered files by path relative to the bundle directory; the manifest is one of them."""

    files: dict[str, bytes]

    @property
    def manifest(self) -> bytes:
        return self.files[MANIFEST]


def render_bundle(source: SpecFile, locked: Mapping[str, str] | None = None) -> Bundle:
    """Render everything the spec's runtime needs; raises SpecError where the spec and the catalogue disagree.

    `locked` maps an image to the repository@digest that stack.lock has for it. The result depends on the spec's text, the
    user's own files beside it, these digests and the stackctl version only.
    """
    spec = source.spec
    rules = resolve_rules(source)
    texts = {
        "prometheus/prometheus.yml": prometheus_yml(spec),
        "alertmanager/alertmanager.yml": alertmanager_yml(spec, rules),
    }
    texts |= _gateway_files(spec)
    texts |= {f"prometheus/rules/{name}": text for name, text in rule_files(rules).items()}
    texts |= {f"prometheus/tests/{name}": text for name, text in rule_test_files(spec, rules).items()}
    dashboards = render_dashboards(rules)
    verbatim_texts = {"alertmanager/templates/stackctl.tmpl": verbatim("alertmanager/stackctl.tmpl")}
    verbatim_texts |= dashboards.files | own_bundle_files(source.own)
    if spec.runtime == "local":
        texts["local/supervisord.conf"] = fill("local/supervisord.conf.j2", spec=spec, name=spec.name)
    else:
        texts |= grafana_files(spec) if spec.runs_grafana else {}
        texts["compose/compose.yaml"] = compose_yaml(spec, texts | verbatim_texts, locked or {})
    files = {path: (_header(source, path) + text).encode() for path, text in sorted(texts.items())}
    files |= {path: text.encode() for path, text in verbatim_texts.items()}
    left_out = [*rules.left_out, *dashboards.left_out]
    return Bundle(files | {MANIFEST: _manifest(source, rules, left_out, files)})


def _gateway_files(spec: Spec) -> dict[str, str]:
    if spec.gateway.engine == "litellm":
        return {"litellm/config.yaml": litellm_config(spec), "litellm/start.sh": start_script(spec)}
    return {"gateway/gateway.yaml": gateway_yaml(spec)}


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
