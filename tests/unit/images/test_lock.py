"""stack.lock: read strictly, written whole."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from stackctl.errors import UsageError
from stackctl.images.lock import load_lock, pin
from stackctl.images.outcome import Outcome
from stackctl.images.report import ImageReport, exit_code_of

if TYPE_CHECKING:
    from pathlib import Path

D, E = "sha256:" + "a" * 64, "sha256:" + "b" * 64


def report(image: str, digest: str, outcome: Outcome = Outcome.VERIFIED) -> ImageReport:
    return ImageReport(image, outcome, digest=digest, policy="p", signer="s", verifier="cosign 3.1.3")


def test_an_absent_lock_is_empty(tmp_path: Path) -> None:
    assert load_lock(tmp_path / "stack.lock").images == {}


def test_pinning_keeps_other_entries_and_writes_good_images_only(tmp_path: Path) -> None:
    file = tmp_path / "stack.lock"
    pin(file, [report("redis:7", D)])
    pin(file, [report("ghcr.io/a/b:1", E), report("bad:1", E, Outcome.NO_SIGNATURE)])
    lock = load_lock(file)
    assert list(lock.images) == ["docker.io/library/redis:7", "ghcr.io/a/b:1"]
    assert lock.pinned("redis:7") == f"docker.io/library/redis@{D}"
    assert lock.pinned("bad:1") is None
    assert [path.name for path in tmp_path.iterdir()] == ["stack.lock"]
    assert file.read_text().startswith("# Written by `stackctl verify-image --pin`")


@pytest.mark.parametrize(
    "text",
    [
        "version: 2\n",
        "images: [",
        "- a\n",
        "version: 1\nimages: {'redis:7': {digest: latest, outcome: verified, time: 2026-01-01}}\n",
        f"version: 1\nimages: {{'redis:7': {{digest: '{D}', outcome: trusted, time: 2026-01-01}}}}\n",
        f"version: 1\nimages: {{'--x': {{digest: '{D}', outcome: verified, time: 2026-01-01T00:00:00Z}}}}\n",
        f"version: 1\nimages: {{'redis:7': {{digest: '{D}', outcome: verified, time: 2026-01-01T00:00:00Z, x: 1}}}}\n",
    ],
)
def test_a_lock_that_is_not_quite_one_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "stack.lock"
    file.write_text(text)
    with pytest.raises(UsageError) as refused:
        load_lock(file)
    assert "\n" not in str(refused.value)


def test_a_directory_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        pin(tmp_path / "absent" / "stack.lock", [report("redis:7", D)])


@pytest.mark.parametrize(
    ("outcomes", "code"),
    [
        ([Outcome.VERIFIED, Outcome.EXEMPT], 0),
        ([Outcome.VERIFIED, Outcome.DENIED], 14),
        ([Outcome.MOVED, Outcome.MOVED], 15),
        ([Outcome.MOVED, Outcome.DENIED], 1),
        ([], 0),
    ],
)
def test_the_exit_code_of_many_images(outcomes: list[Outcome], code: int) -> None:
    assert exit_code_of([report("redis:7", D, outcome) for outcome in outcomes]) == code


def test_every_outcome_has_a_code_of_its_own_and_a_title() -> None:
    codes = [outcome.exit_code for outcome in Outcome if not outcome.good]
    assert sorted(codes) == [3, 4, 5, 10, 11, 12, 14, 15]
    assert all(outcome.title for outcome in Outcome)
