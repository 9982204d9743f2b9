"""Options and fixtures that every kind of test may use."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="Write what the CLI renders now as the golden output."
    )
