"""`images.policy: verify` on a real engine with a real registry: what was verified is what runs."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
import yaml

from tests.docker.standins import image_name
from tests.integration.images.world import World

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.docker.engine import DockerEngine
    from tests.integration.compose.conftest import ComposeStack

pytestmark = [pytest.mark.timeout(1200), pytest.mark.xdist_group("docker")]
SIGNED, EXEMPT = "prometheus", "alertmanager"


@pytest.fixture(scope="module")
def world(engine: DockerEngine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A registry in the engine's network, with keys and cosign."""
    made = World.start(tmp_path_factory.mktemp("images"))
    yield made
    made.registry.stop()


def pushed(engine: DockerEngine, world: World, part: str, tag: str = "v1.0.0", source: str = "") -> tuple[str, str]:
    """An image of the engine in the registry: its reference by tag, and its digest there."""
    image = f"{world.registry.host}/parts/{part}:{tag}"
    engine.docker("tag", source or image_name(part), image)
    said = re.search(r"digest: (sha256:[0-9a-f]{64})", engine.docker("push", image))
    assert said
    return image, said[1]


@pytest.fixture(scope="module")
def stack(
    engine: DockerEngine, world: World, new_stack: Callable[[str], ComposeStack]
) -> Iterator[tuple[ComposeStack, str]]:
    """A running stack whose Prometheus is signed; and the digest that was."""
    image, digest = pushed(engine, world, SIGNED)
    world.sign2(world.at(f"parts/{SIGNED}", digest))
    other, _ = pushed(engine, world, EXEMPT)
    for local in (image, other):
        engine.docker("rmi", local)
    made = new_stack("verified")
    spec = yaml.safe_load((made.root / "stack.yaml").read_text())
    signer = {"id": "ours", "key": {"file": str(world.home / "ours.pub")}, "transparency_log": "ignored"}
    spec["grafana"]["enabled"] = False
    spec["images"] = {
        "policy": "verify",
        "references": {SIGNED: image, EXEMPT: other},
        "exempt": {EXEMPT: "nobody signs it"},
        "policies": [{"name": "ours", "images": [f"{world.registry.host}/parts/{SIGNED}"], "trust": [signer]}],
    }
    (made.root / "stack.yaml").write_text(yaml.safe_dump(spec))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STACKCTL_COSIGN", str(world.cosign3.executable))
        started = made.run("up")
        assert started.code == 0, started.err
        assert "verify the images" in started.err
        yield made, digest


def test_exactly_the_verified_digest_runs(stack: tuple[ComposeStack, str], world: World) -> None:
    made, digest = stack
    assert made.inspect(SIGNED)["Config"]["Image"] == f"{world.registry.host}/parts/{SIGNED}@{digest}"
    rendered = (made.root / "bundle/compose/compose.yaml").read_text()
    assert f"parts/{SIGNED}@{digest}" in rendered
    assert f"parts/{EXEMPT}@sha256:" in rendered
    assert digest in (made.root / "stack.lock").read_text()


def test_a_moved_tag_changes_nothing_that_runs(
    stack: tuple[ComposeStack, str], world: World, engine: DockerEngine
) -> None:
    made, digest = stack
    before = made.containers()
    _, moved = pushed(engine, world, SIGNED, source=image_name("redis"))
    assert moved != digest
    assert made.run("up").code == 0
    assert made.containers() == before


def test_pull_fetches_what_the_lock_names(stack: tuple[ComposeStack, str], world: World) -> None:
    made, digest = stack
    done = made.run("pull", "--json")
    assert done.code == 0, done.out
    assert f"{world.registry.host}/parts/{SIGNED}@{digest}" in done.envelope["data"]["images"]


def test_an_unsigned_image_stops_the_start_and_leaves_what_runs_alone(
    stack: tuple[ComposeStack, str], world: World, engine: DockerEngine
) -> None:
    made, _ = stack
    before = made.containers()
    image, _ = pushed(engine, world, SIGNED, tag="v2.0.0", source=image_name("redis"))
    made.change(f"parts/{SIGNED}:v1.0.0", f"parts/{SIGNED}:v2.0.0")
    refused = made.run("up", "--json")
    assert refused.code == 1, refused.out
    assert f"nothing was started: {image}" in refused.envelope["problems"][0]["message"]
    assert "no signature" in refused.envelope["problems"][0]["message"]
    assert made.containers() == before
