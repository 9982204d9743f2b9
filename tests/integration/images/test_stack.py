"""Whole stacks: verified before anything starts, pinned, and running the verified digest whatever a tag does later."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackctl.errors import StackctlError, UnavailableError, UsageError
from stackctl.images import (
    Outcome,
    load_lock,
    pinned_references,
    require_verified_images,
    verify_stack_images,
)
from stackctl.images.fake import Answer, FakeCosign
from stackctl.spec import parse_spec
from stackctl.stack import StackDir
from tests.real_parts import cosign_part

if TYPE_CHECKING:
    from pathlib import Path

    from stackctl.spec import Spec
    from tests.integration.images.world import World

SPEC = """
version: 1
name: test
models: [{{name: m, deployments: [{{provider: mock, model: m}}]}}]
images:
  policy: {policy}
  references: {{gateway: "{gateway}", prometheus: "{prometheus}"}}
  exempt: {{prometheus: nobody signs it}}
  policies:
    - name: ours
      images: ["{host}/*"]
      trust: [{{id: ours, key: {{file: "{key}"}}, transparency_log: ignored}}]
"""


@pytest.fixture
def stack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> StackDir:
    monkeypatch.setenv("STACKCTL_COSIGN", str(cosign_part(3)))
    return StackDir(tmp_path)


def spec_of(world: World, gateway: str, policy: str = "verify") -> Spec:
    prometheus, _ = world.image("prometheus", "v3.5.3")
    text = SPEC.format(
        policy=policy,
        gateway=gateway,
        prometheus=prometheus,
        host=world.registry.host,
        key=world.home / "ours.pub",
    )
    return parse_spec(text).spec


def test_up_runs_the_verified_digest_after_the_tag_has_moved(world: World, stack: StackDir) -> None:
    image, verified = world.image("toctou")
    world.sign2(world.at("toctou", verified))
    spec = spec_of(world, image)
    require_verified_images(stack, spec, spec.images.references)
    moved = world.registry.push_image("toctou", "v1.0.0", "somebody else's")
    assert moved != verified
    running = pinned_references(load_lock(stack.lock), spec.images.references)
    assert running["gateway"] == f"{world.registry.host}/toctou@{verified}"
    assert running["prometheus"].startswith(f"{world.registry.host}/prometheus@sha256:")
    again = require_verified_images(stack, spec, spec.images.references)
    assert {report.part: report.digest for report in again}["gateway"] == verified
    anew = verify_stack_images(stack, spec.images, {"gateway": image}, locked=False)
    assert anew[0].outcome is Outcome.MOVED


def test_one_bad_image_stops_everything_and_pins_nothing(world: World, stack: StackDir) -> None:
    image, _ = world.image("unsigned-gateway")
    spec = spec_of(world, image)
    with pytest.raises(StackctlError, match=r"nothing was started: .*unsigned-gateway.*no signature") as refused:
        require_verified_images(stack, spec, spec.images.references)
    assert refused.value.exit_code == 1
    assert not stack.lock.exists()


def test_a_registry_that_is_away_is_unavailable_not_invalid(world: World, stack: StackDir) -> None:
    spec = spec_of(world, "127.0.0.1:1/acme/gateway:v1.0.0")
    away = [policy.model_copy(update={"images": ["127.0.0.1:1/acme/*"]}) for policy in spec.images.policies]
    settings = spec.images.model_copy(update={"policies": away})
    with pytest.raises(UnavailableError, match="unreachable"):
        require_verified_images(
            stack, spec.model_copy(update={"images": settings}), {"gateway": "127.0.0.1:1/acme/gateway:v1"}
        )


def test_policy_off_asks_nobody(world: World, stack: StackDir) -> None:
    spec = spec_of(world, "registry.invalid/nothing/here:v1", policy="off")
    assert spec.images.policy == "off"
    assert require_verified_images(stack, spec, spec.images.references) == []


def test_an_image_without_a_policy_is_refused(world: World, stack: StackDir) -> None:
    spec = spec_of(world, "docker.io/library/redis:7.2.0")
    reports = verify_stack_images(stack, spec.images, spec.images.references)
    assert [report.outcome for report in reports] == [Outcome.UNKNOWN, Outcome.EXEMPT]
    assert reports[1].not_checked == ("signature: exempt by stack.yaml",)


def test_a_malformed_reference_stops_before_anything_runs(world: World, stack: StackDir) -> None:
    spec = spec_of(world, world.image("fine")[0])
    with pytest.raises(UsageError, match="not an image reference"):
        verify_stack_images(stack, spec.images, {"a": "--output=/etc/passwd", **spec.images.references})


def test_images_are_verified_at_the_same_time(world: World, stack: StackDir, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each cosign answers only when another one has begun: one after the other, none ever would."""
    fake = FakeCosign.install(stack.root / "fake", [Answer(wait_for_calls=2)])
    monkeypatch.setenv("STACKCTL_COSIGN", str(fake.executable))
    spec = spec_of(world, world.image("parallel", "v1.0.0")[0])
    images = {tag: world.image("parallel", tag)[0] for tag in ("v1.0.0", "v2.0.0")}
    reports = verify_stack_images(stack, spec.images, images)
    assert [(report.part, report.outcome) for report in reports] == [(tag, Outcome.VERIFIED) for tag in images]
    assert len(fake.calls("version")) == 1


def test_the_lock_says_how_each_digest_came_to_be_trusted(world: World, stack: StackDir) -> None:
    image, digest = world.image("locked")
    world.sign2(world.at("locked", digest))
    spec = spec_of(world, image)
    require_verified_images(stack, spec, spec.images.references)
    entry = load_lock(stack.lock).entry(image)
    assert entry is not None
    assert (entry.digest, entry.outcome, entry.policy, entry.signer) == (digest, "verified", "ours", "ours")
    assert len(entry.key_sha256) == 64
    assert entry.verifier.startswith("cosign 3")
    assert "transparency log: the policy ignores it" in entry.not_checked
    assert [file.name for file in stack.root.iterdir()] == ["stack.lock"]
