"""Where the data that ships with stackctl lies: inside the wheel, or at the top of a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent


def data_dir(name: str) -> Path:
    """The directory `templates`, `dashboards`, `alerts` or `docs/runbooks`, as a real path.

    Raises FileNotFoundError if the installation is incomplete.
    """
    for base in (_PACKAGE / "_data", _PACKAGE.parent):
        if (base / name).is_dir():
            return base / name
    raise FileNotFoundError(f"stackctl is installed without its '{name}' directory: install it again")
