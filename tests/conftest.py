"""Options and fixtures that every kind of test may use."""

from __future__ import annotations

import os
import signal

import pytest
from hypothesis import settings

from stackctl.runtime import parts_dir

# How long an example takes says how busy the machine is, not whether the code is right.
settings.register_profile("no-deadline", deadline=None)
settings.load_profile("no-deadline")

# Where the machine lacks curl, git, ip, patch or ps, those that scripts/parts unpacked; the machine's own come first.
os.environ["PATH"] += f"{os.pathsep}{parts_dir() / 'tools' / 'bin'}"

# A shell starts what is to run in the background, `make test &`, with SIGINT ignored, and every program that a test
# starts and interrupts would inherit that.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update-golden", action="store_true", help="Write what the CLI renders now as the golden output."
    )
