"""`dashboards/*.yaml` → Grafana's JSON."""

from stackctl.render.dashboards.files import Dashboards, render_dashboards

__all__ = ["Dashboards", "render_dashboards"]
