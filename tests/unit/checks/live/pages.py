"""A small catalogue and a metrics page that fits it."""

from __future__ import annotations

from stackctl.catalogue.load import parse_catalogue

OWN = parse_catalogue(
    """
buckets: {b: [1, 2]}
metrics:
  - {name: a_requests_total, type: counter, labels: [model, team]}
  - {name: a_seconds, type: histogram, labels: [], buckets: b}
  - {name: a_depth, type: gauge, labels: []}
  - {name: a_optional, type: gauge, labels: [], needs: a database}
""",
    "own",
)
PAGE = """# TYPE a_requests_total counter
a_requests_total{model="m",team="t"} 7
# TYPE a_seconds histogram
a_seconds_bucket{le="1.0"} 1
a_seconds_bucket{le="2.0"} 1
a_seconds_bucket{le="+Inf"} 2
a_seconds_count 2
a_seconds_sum 3
"""
