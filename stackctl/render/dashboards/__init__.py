"""`dashboards/*.yaml` → Grafana's JSON and its provisioning files."""
