"""One world of images per test process."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.integration.images.world import World

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    world = World.start(tmp_path_factory.mktemp("images"))
    yield world
    world.registry.stop()
