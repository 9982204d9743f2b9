"""Reading YAML that ships with stackctl or that another program wrote."""

from __future__ import annotations

from typing import Any

import yaml

# libyaml reads about ten times as fast as the pure Python loader; both build the same plain values.
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def load_yaml(text: str | bytes) -> Any:
    """Plain values; raises yaml.YAMLError."""
    return yaml.load(text, Loader=_Loader)  # noqa: S506 a safe loader
