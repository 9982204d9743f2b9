"""The doctor's pages, its patches, what it takes out of archives, and how it tells a restart from a quarrel."""

from __future__ import annotations

import tarfile
from pathlib import Path

import pytest

from stackctl.checks.doctor.archive import write_archive
from stackctl.checks.doctor.disagreement import disagreements, restarted
from stackctl.checks.doctor.finding import Edit
from stackctl.checks.doctor.patch import apply_edits
from stackctl.checks.doctor.redact import MASK, redact
from stackctl.checks.doctor.registry import FILES, LIVE, checks_of_files
from stackctl.checks.doctor.secret_values import secret_values
from stackctl.checks.live.page import Page

PAGES = Path(__file__).parents[3] / "docs" / "checks" / "doctor"


def test_every_check_has_a_page_and_every_page_a_check() -> None:
    assert {path.stem for path in PAGES.glob("*.md")} == {*FILES, *LIVE}
    assert [check.id for check, _ in checks_of_files()] == [f"doctor/{name}" for name in FILES]
    for path in PAGES.glob("*.md"):
        headings = [line for line in path.read_text().splitlines() if line.startswith("#")]
        means = ["## What it means", "## What it leads to", "## What to do", "## Example"]
        assert headings == [f"# doctor/{path.stem}", *means]


def test_edits_are_made_from_the_bottom_so_that_lines_keep_their_numbers() -> None:
    edits = [Edit("f", 1, "", "new\n"), Edit("f", 2, "two", "2"), Edit("f", 3, "", "last")]
    assert apply_edits("one\ntwo\nthree", edits) == "one\nnew\n2\nthree\nlast\n"


def bursts(*values: float | tuple[float, ...]) -> list[list[Page]]:
    """Of scrapes that were made one after the other, or at once."""
    each = (value if isinstance(value, tuple) else (value,) for value in values)
    return [[Page(counters={("requests_total", (("model", "m"),)): value}) for value in burst] for burst in each]


@pytest.mark.parametrize(
    ("values", "several"),
    [
        ((40, 30, 40, 30), True),
        ((40, 30, 40), True),
        ((10, 20, 0, 1, 2), False),
        ((1, 2, 3), None),
        ((5, 5, 5), None),
        ((40, (40, 30), (30, 40)), True),
        ((40, (41, 30), (42, 31), (43, 32)), True),
        # Under traffic, in whatever order a burst was answered.
        ((1, (3, 2), (6, 5, 4)), None),
        ((10, (20, 0), (2, 1)), False),
    ],
)
def test_a_restart_is_told_from_several_processes(
    values: tuple[float | tuple[float, ...], ...], several: bool | None
) -> None:
    proofs = disagreements(bursts(*values))
    assert bool(proofs) == (several is not None)
    if proofs:
        assert restarted(proofs) != several
        assert proofs[0].series == 'requests_total{model="m"}'


@pytest.mark.parametrize(
    ("text", "gone"),
    [
        ("api_key: sk-proj-abcdefghijklmnop", "abcdefghijklmnop"),
        ("url: https://hooks.slack.com/services/T1/B2/secretpart", "secretpart"),
        ("Authorization: Bearer abcdefgh12345678", "abcdefgh12345678"),
        ("DATABASE_URL=postgresql://user:hunter22@db:5432/x", "hunter22"),
        ("  POSTGRES_PASSWORD: 'not a reference'", "not a reference"),
        ('"master_key": "plain-text-key",', "plain-text-key"),
        ("line one-known-secret-value here", "one-known-secret-value"),
        ("environment: {POSTGRES_PASSWORD: hunter-two, OTHER: x}", "hunter-two"),
        ('{"a": 1, "api_key": "hunter-two", "b": 2}', "hunter-two"),
        ('  - "GF_SECURITY_ADMIN_PASSWORD=hunter-two"', "hunter-two"),
        ("POSTGRES_PASSWORD: 12345678", "12345678"),
        ("DB_PASS=hunter-two", "hunter-two"),
        ("command: redis-server --requirepass hunter-two", "hunter-two"),
        ('command: ["redis-server", "--requirepass", "hunter-two"]', "hunter-two"),
        ("basic_auth: {username: x, password: hunter-two}", "hunter-two"),
        ("authorization: {type: Bearer, credentials: hunter-two}", "hunter-two"),
        ("routing_key: hunter-two", "hunter-two"),
        ("LITELLM_LICENSE: hunter-two", "hunter-two"),
        ('test: ["CMD", "curl", "-H", "x-api-key: hunter-two"]', "hunter-two"),
        ("url: https://example.webhook.office.com/webhookb2/hunter-two", "hunter-two"),
        ("url: https://discord.com/api/webhooks/123/hunter-two", "hunter-two"),
        ("refused with --api-key=hunter-two by the provider", "hunter-two"),
    ],
)
def test_secrets_are_taken_out(text: str, gone: str) -> None:
    redacted = redact(text, ["one-known-secret-value"])
    assert gone not in redacted
    assert MASK in redacted


@pytest.mark.parametrize(
    "text",
    [
        "api_key: env:OPENAI_API_KEY",
        "master_key: os.environ/LITELLM_MASTER_KEY",
        "  POSTGRES_PASSWORD_FILE: /run/secrets/postgres-password",
        "POSTGRES_PASSWORD: ${DB_PASSWORD}",
        "max_tokens: 100",
        'sum(rate(litellm_tokens_used_total{token_type="prompt"}[5m]))',
        'litellm_remaining_api_key_budget_metric{hashed_api_key="ab12"} == +Inf',
        "input_cost_per_token: 1.0e-07",
        "authorization: {credentials_file: /run/secrets/metrics-token}",
        'secrets: ["metrics-token", "prometheus-password", "prometheus-basic"]',
        'receivers: {slack: {webhook: "file:secrets/slack-webhook", channel: "#llm"}}',
    ],
)
def test_references_and_ordinary_text_stay(text: str) -> None:
    assert redact(text, ["short"]) == text


@pytest.mark.parametrize(
    "text",
    [
        "a:\n  password: |\n    hunter-two\n",
        "a:\n  client_secret: >-\n    hunter-two\n",
        "services: {db: {environment: [A=b, POSTGRES_PASSWORD=hunter-two]}}",
        'a: {"api_key": "hunter\\x2dtwo"}',
        "x: &key hunter-two\na: {token: *key}",
    ],
)
def test_a_secret_of_a_file_is_known_however_it_is_written(text: str) -> None:
    assert secret_values(text) == {"hunter-two"}


@pytest.mark.parametrize(
    "text",
    [
        "api_key: os.environ/KEY",
        "PASSWORD_FILE: /run/secrets/x",
        "metrics: {token: file:secrets/t}",
        "POSTGRES_PASSWORD: ${DB_PASSWORD}",
        'series: metric{hashed_api_key="abcdefgh"}',
        "a: [b",
        "just text",
    ],
)
def test_what_is_no_secret_is_not_taken_for_one(text: str) -> None:
    assert secret_values(text) == set()


def test_a_secret_of_one_file_is_taken_out_of_every_text_of_an_archive(tmp_path: Path) -> None:
    texts = {
        "files/docker-compose.yml": "environment:\n  DB_PASSWORD: |\n    hunter-two-times\n",
        "logs.txt": "no hunter-two-times",
    }
    write_archive(tmp_path / "a.tar.gz", texts, {"findings": [{"evidence": "DB_PASSWORD is hunter-two-times"}]}, [])
    with tarfile.open(tmp_path / "a.tar.gz") as archive:
        contents = [(archive.extractfile(member) or archive).read().decode() for member in archive.getmembers()]  # type: ignore[union-attr]
    assert len(contents) == 3
    assert not [content for content in contents if "hunter" in content]
