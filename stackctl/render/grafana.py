"""spec → grafana/provisioning: the data source and where the dashboards are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from stackctl.render.places import internal_address
from stackctl.render.yaml_text import to_yaml

if TYPE_CHECKING:
    from stackctl.spec import Spec

DATASOURCE_UID = "stackctl-prometheus"
_PROVISIONING = "/etc/stack"


def grafana_files(spec: Spec) -> dict[str, str]:
    """Path → text of the files Grafana is provisioned with, so that nobody has to import anything."""
    return {
        "grafana/provisioning/datasources/prometheus.yaml": to_yaml(_datasource(spec)),
        "grafana/provisioning/dashboards/stackctl.yaml": to_yaml(_provider(spec)),
    }


def _datasource(spec: Spec) -> dict[str, Any]:
    source: dict[str, Any] = {
        "name": "Prometheus",
        "uid": DATASOURCE_UID,
        "type": "prometheus",
        "access": "proxy",
        "url": f"http://{internal_address(spec, 'prometheus')}",
        "isDefault": True,
        "editable": False,
        # $__rate_interval is made from timeInterval: it must be the real scrape interval.
        "jsonData": {
            "timeInterval": str(spec.prometheus.scrape_interval),
            "httpMethod": "POST",
            "prometheusType": "Prometheus",
        },
    }
    if spec.prometheus.password:
        source |= {"basicAuth": True, "basicAuthUser": "admin"}
        source["secureJsonData"] = {"basicAuthPassword": "$__file{/run/secrets/prometheus-password}"}
    return {"apiVersion": 1, "prune": True, "datasources": [source]}


def _provider(spec: Spec) -> dict[str, Any]:
    provider = {
        "name": "stackctl",
        "folder": spec.name,
        "folderUid": f"stackctl-{spec.name}"[:40],
        "type": "file",
        "disableDeletion": True,
        "allowUiUpdates": False,
        "updateIntervalSeconds": 30,
        "options": {"path": f"{_PROVISIONING}/dashboards"},
    }
    return {"apiVersion": 1, "providers": [provider]}
