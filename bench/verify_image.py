"""What verifying costs around cosign: stackctl's own time per image, beside cosign's, and --all in parallel.

    scripts/parts cosign
    python -m bench.verify_image [RUNS]

Starts a docker-registry on loopback, signs images with cosign 3 (half the old way, half as bundles) and measures, RUNS
times after one warm-up: `verify_image` within one process (own time = wall time minus the time cosign ran), the whole
command as a process beside bare `cosign verify`, and eight images one by one and with --all.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from stackctl.images.builtin import BuiltinVerifier
from stackctl.images.cosign import CosignVerifier, find_cosign
from stackctl.images.flow import Tools, verify_image
from stackctl.images.key_files import KeyStore
from stackctl.images.reference import parse_reference
from stackctl.images.registry import Addresses, Registry
from tests.integration.images.world import World
from tests.real_parts import cosign_part

STACKCTL = str(Path(sys.executable).parent / "stackctl")
BOUND_S = 0.150
IMAGES = 8
SPEC = """
version: 1
name: bench
models: [{{name: m, deployments: [{{provider: mock, model: m}}]}}]
images:
  references: {{{references}}}
  policies:
    - name: ours
      images: ["{host}/*"]
      trust: [{{id: ours, key: {{file: "{key}"}}, transparency_log: ignored}}]
"""


def row(name: str, seconds: list[float], note: str = "") -> None:
    taken = sorted(seconds)
    print(f"{name:34} {taken[0] * 1000:8.1f} {statistics.median(taken) * 1000:8.1f} {taken[-1] * 1000:8.1f}   {note}")


def timed(command: list[str]) -> float:
    started = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    return time.perf_counter() - started


def within_one_process(world: World, images: list[str], runs: int) -> None:
    for name in ("cosign", "builtin"):
        own: list[float] = []
        cosign: list[float] = []
        for turn in range(runs + 1):
            registry = Registry()
            verifier = BuiltinVerifier(registry) if name == "builtin" else CosignVerifier(find_cosign(), registry)
            tools = Tools(registry, Addresses(), KeyStore(registry.http, world.home), lambda v=verifier: v, world.home)
            for image in images:
                report = verify_image(parse_reference(image), world.by_key(), tools)
                assert report.outcome.good, report.line
                if turn:
                    own.append(report.seconds - report.cosign_seconds)
                    cosign.append(report.cosign_seconds)
            registry.http.close()
        worst = max(own)
        row(
            f"own time per image ({name})", own, f"bound {BOUND_S * 1000:.0f}: {'met' if worst < BOUND_S else 'MISSED'}"
        )
        if name == "cosign":
            row("cosign's own run", cosign)


def whole_processes(world: World, image: str, runs: int) -> None:
    key = ["--key", str(world.home / "ours.pub"), "--insecure-ignore-tlog"]
    bare = [str(cosign_part(3)), "verify", "--key", str(world.home / "ours.pub"), "--insecure-ignore-tlog=true", image]
    commands = {
        "cosign verify": bare,
        "stackctl verify-image": [STACKCTL, "verify-image", image, *key, "-C", str(world.home)],
        "stackctl --help": [STACKCTL, "--help"],
    }
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(runs + 1):
        for name, command in commands.items():
            seconds = timed(command)
            if turn:
                times[name].append(seconds)
    for name, taken in times.items():
        row(f"process: {name}", taken)


def together(world: World, images: list[str], runs: int) -> None:
    references = ", ".join(f'i{index}: "{image}"' for index, image in enumerate(images))
    text = SPEC.format(references=references, host=world.registry.host, key=world.home / "ours.pub")
    (world.home / "stack.yaml").write_text(text)
    key = ["--key", str(world.home / "ours.pub"), "--insecure-ignore-tlog", "-C", str(world.home)]
    one_by_one, at_once = [], []
    for turn in range(runs + 1):
        single = sum(timed([STACKCTL, "verify-image", image, *key]) for image in images)
        every = timed([STACKCTL, "verify-image", "--all", "-C", str(world.home)])
        if turn:
            one_by_one.append(single)
            at_once.append(every)
    row(f"{len(images)} images, one command each", one_by_one)
    row(f"{len(images)} images, --all", at_once)


def main(runs: int) -> None:
    os.environ["STACKCTL_COSIGN"] = str(cosign_part(3))
    with tempfile.TemporaryDirectory() as directory:
        world = World.start(Path(directory))
        try:
            images = []
            for index in range(IMAGES):
                image, digest = world.image(f"bench/image-{index}")
                (world.sign2 if index % 2 else world.sign3)(world.at(f"bench/image-{index}", digest))
                images.append(image)
            print(f"{'milliseconds of wall time':34} {'min':>8} {'median':>8} {'max':>8}   ({runs} runs)")
            within_one_process(world, images, runs)
            whole_processes(world, images[0], runs)
            together(world, images, max(1, runs // 3))
        finally:
            world.registry.stop()


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10)
