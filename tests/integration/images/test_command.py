"""verify-image and images outdated as a user runs them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackctl.images.fake import FakeCosign
from tests.command import Finished, stackctl
from tests.real_parts import cosign_part

if TYPE_CHECKING:
    from pathlib import Path

    from tests.integration.images.world import World


@pytest.fixture(autouse=True)
def _real_cosign(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STACKCTL_COSIGN", str(cosign_part(3)))


def verify(world: World, directory: Path, image: str, *more: object) -> Finished:
    key = ("--key", world.home / "ours.pub", "--insecure-ignore-tlog")
    return stackctl("verify-image", image, "-C", directory, *key, *more)


def test_a_verified_image_says_what_was_and_was_not_checked(world: World, tmp_path: Path) -> None:
    done = verify(world, tmp_path, world.question("ok-legacy-tag").image)
    assert (done.code, done.err) == (0, "")
    first, *rest = done.out.splitlines()
    assert ": verified sha256:" in first
    assert any(line.startswith("  checked      digest") for line in rest)
    assert "  NOT checked  transparency log: the policy ignores it" in rest


@pytest.mark.parametrize(
    ("case", "code"), [("unsigned", 10), ("missing-tag", 11), ("wrong-key-legacy", 12), ("registry-down", 4)]
)
def test_each_failure_has_its_code_and_one_line(world: World, tmp_path: Path, case: str, code: int) -> None:
    done = verify(world, tmp_path, world.question(case).image)
    assert done.code == code
    assert done.err.count("\n") == 1
    assert done.err.startswith("error: ")


def test_json_is_one_envelope(world: World, tmp_path: Path) -> None:
    done = verify(world, tmp_path, world.question("unsigned").image, "--json")
    assert (done.code, done.err) == (10, "")
    (report,) = done.envelope["data"]["images"]
    assert (done.envelope["ok"], report["outcome"], report["exit_code"]) == (False, "no-signature", 10)
    assert [problem["id"] for problem in done.envelope["problems"]] == ["images/no-signature"]


def test_pin_writes_the_lock_and_a_moved_tag_is_noticed_and_can_be_accepted(world: World, tmp_path: Path) -> None:
    image, digest = world.image("pinned")
    world.sign2(world.at("pinned", digest))
    assert verify(world, tmp_path, image, "--pin").code == 0
    before = (tmp_path / "stack.lock").read_text()
    assert digest in before
    moved = world.registry.push_image("pinned", "v1.0.0", "new")
    assert verify(world, tmp_path, image).code == 15
    assert verify(world, tmp_path, image, "--pin").code == 10
    assert (tmp_path / "stack.lock").read_text() == before
    world.sign2(world.at("pinned", moved))
    assert verify(world, tmp_path, image, "--pin").code == 0
    assert moved in (tmp_path / "stack.lock").read_text()


@pytest.mark.parametrize("image", ["--output-file=/tmp/owned", "registry.example/app:v1 --key=evil"])
def test_a_malformed_reference_is_refused_before_anything_runs(tmp_path: Path, image: str) -> None:
    fake = FakeCosign.install(tmp_path / "fake")
    done = stackctl(
        "verify-image", "--key", "cosign.pub", "-C", tmp_path, "--", image, STACKCTL_COSIGN=str(fake.executable)
    )
    assert (done.code, done.out) == (2, "")
    assert done.err.count("\n") == 1
    assert not (fake.directory / "calls.jsonl").exists()


def test_a_mutable_key_url_is_refused_before_anything_runs(tmp_path: Path) -> None:
    fake = FakeCosign.install(tmp_path / "fake")
    url = "https://keys.example/acme/main/cosign.pub"
    done = stackctl(
        "verify-image",
        "registry.invalid/app:v1",
        "-C",
        tmp_path,
        "--key",
        url,
        "--key-sha256",
        "0" * 64,
        STACKCTL_COSIGN=str(fake.executable),
    )
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert "40 hex digits" in done.err
    assert not (fake.directory / "calls.jsonl").exists()


def test_a_denied_release_needs_neither_network_nor_cosign(tmp_path: Path) -> None:
    done = stackctl(
        "verify-image", "ghcr.io/berriai/litellm:v1.107.0-stable", "-C", tmp_path, STACKCTL_COSIGN="/nowhere"
    )
    assert done.code == 14
    assert "a valid signature does not clear it" in done.err


def test_missing_cosign_says_how_to_get_it(world: World, tmp_path: Path) -> None:
    image = world.question("ok-legacy-tag").image
    key = ("--key", world.home / "ours.pub", "--insecure-ignore-tlog")
    without = {"PATH": "/nonexistent", "STACKCTL_PARTS": str(tmp_path), "STACKCTL_COSIGN": ""}
    done = stackctl("verify-image", image, "-C", tmp_path, *key, **without)
    assert done.code == 3
    assert "get cosign" in done.err
    builtin = stackctl("verify-image", image, "-C", tmp_path, *key, "--verifier", "builtin", **without)
    assert builtin.code == 0
    assert "not cosign" in builtin.out


SPEC = """
version: 1
name: test
models: [{{name: m, deployments: [{{provider: mock, model: m}}]}}]
images:
  references: {{app: "{app}", db: "{db}", other: "{other}"}}
  exempt: {{db: nobody signs it}}
  policies:
    - name: ours
      images: ["{host}/*"]
      deny: [{{version: 1.3.0, reason: recalled}}]
      trust: [{{id: ours, key: {{file: "{key}"}}, transparency_log: ignored}}]
"""


def test_all_verifies_the_stack_and_outdated_finds_the_newest_tag_that_verifies(world: World, tmp_path: Path) -> None:
    tags = {}
    for tag in ("v1.0.0", "v1.1.0", "v1.2.0", "v1.3.0", "v2.0.0-rc.1", "latest"):
        _, digest = world.image("fleet/app", tag)
        tags[tag] = digest
        if tag != "v1.2.0":
            world.sign2(world.at("fleet/app", digest))
    db, _ = world.image("fleet/db", "v9.0.0")
    other, _ = world.image("fleet/other", "v1.0.0")
    text = SPEC.format(
        app=f"{world.registry.host}/fleet/app:v1.0.0",
        db=db,
        other=other,
        host=world.registry.host,
        key=world.home / "ours.pub",
    )
    (tmp_path / "stack.yaml").write_text(text)
    done = stackctl("verify-image", "--all", "--pin", "-C", tmp_path, "--json")
    outcomes = {item["part"]: (item["outcome"], item["pinned"]) for item in done.envelope["data"]["images"]}
    assert done.code == 10
    assert outcomes == {"app": ("verified", True), "db": ("exempt", True), "other": ("no-signature", False)}
    table = stackctl("verify-image", "--all", "-C", tmp_path)
    assert [line.split()[0] for line in table.out.splitlines()] == ["part", "app", "db", "other"]
    outdated = stackctl("images", "outdated", "-C", tmp_path, "--json")
    found = {item["image"].partition("/")[2]: item for item in outdated.envelope["data"]["images"]}
    assert outdated.code == 1
    assert (found["fleet/app:v1.0.0"]["newer"], found["fleet/app:v1.0.0"]["digest"]) == ("v1.1.0", tags["v1.1.0"])
    assert found["fleet/app:v1.0.0"]["passed_over"] == ["v1.3.0: 1.3.0 is denied: recalled", "v1.2.0: no signature"]
    assert found["fleet/db:v9.0.0"]["newer"] == ""
    people = stackctl("images", "outdated", "-C", tmp_path)
    assert "v1.1.0" in people.out


def test_outdated_without_a_lock_says_what_to_do(tmp_path: Path) -> None:
    done = stackctl("images", "outdated", "-C", tmp_path)
    assert (done.code, "--pin" in done.err) == (2, True)


def test_all_without_images_says_where_to_list_them(tmp_path: Path) -> None:
    spec = SPEC.split("images:", maxsplit=1)[0].replace("{{", "{").replace("}}", "}")
    (tmp_path / "stack.yaml").write_text(spec)
    done = stackctl("verify-image", "--all", "-C", tmp_path)
    assert (done.code, "images.references" in done.err) == (2, True)


def test_all_takes_the_images_that_a_compose_stack_pulls(tmp_path: Path) -> None:
    """No network is needed to say that nobody vouches for them; an image built here is left out."""
    text = SPEC.split("images:", maxsplit=1)[0].replace("{{", "{").replace("}}", "}")
    (tmp_path / "stack.yaml").write_text(f"{text}runtime: compose\n")
    done = stackctl("verify-image", "--all", "-C", tmp_path, "--json")
    found = {item["part"]: (item["outcome"], item["image"]) for item in done.envelope["data"]["images"]}
    assert done.code == 5
    assert found.keys() >= {"prometheus", "alertmanager"}
    assert not found.keys() & {"gateway", "inbox"}
    assert found["prometheus"][0] == "unknown"
    assert found["prometheus"][1].startswith("docker.io/prom/prometheus:")


def test_up_starts_and_renders_nothing_while_an_image_is_not_verified(world: World, tmp_path: Path) -> None:
    stack = tmp_path / "stack"
    stackctl("init", stack, "--demo", "--defaults")
    file = stack / "stack.yaml"
    image = world.question("unsigned").image
    section = (
        f"images: {{policy: verify, references: {{prometheus: '{image}'}}, exempt: {{alertmanager: nobody signs it}}}}"
    )
    lines = [line for line in file.read_text().splitlines() if not line.startswith("runtime:")]
    file.write_text("\n".join([*lines, "runtime: compose", section, ""]))
    refused = stackctl("up", "-C", stack)
    assert refused.code == 1
    assert "nothing was started" in refused.err
    assert "images.exempt" in refused.err
    assert not {"bundle", "stack.lock"} & {path.name for path in stack.iterdir()}
