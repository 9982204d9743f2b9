"""The command line's contract: one envelope, documented exit codes, one line per error, never a traceback."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.command import stackctl


@pytest.fixture
def stack(tmp_path: Path) -> Path:
    assert stackctl("init", tmp_path / "s", "--demo", "--defaults").code == 0
    return tmp_path / "s"


def test_init_writes_a_spec_that_renders_and_secrets_nobody_else_can_read(stack: Path) -> None:
    assert (stack / "secrets").stat().st_mode & 0o777 == 0o700
    assert (stack / "secrets/gateway-master-key").stat().st_mode & 0o777 == 0o600
    assert stackctl("render", "-C", stack).code == 0
    assert stackctl("render", "-C", stack, "--check").code == 0


def test_init_refuses_to_overwrite(stack: Path) -> None:
    before = (stack / "stack.yaml").read_bytes()
    again = stackctl("init", stack, "--demo", "--defaults")
    assert (again.code, again.out) == (2, "")
    assert again.err.count("\n") == 1
    assert (stack / "stack.yaml").read_bytes() == before


def test_render_check_tells_drift_by_exit_code_1(stack: Path) -> None:
    stackctl("render", "-C", stack)
    spec = stack / "stack.yaml"
    spec.write_text(spec.read_text().replace("workers: 2", "workers: 3"))
    drifted = stackctl("render", "-C", stack, "--check", "--json")
    assert drifted.code == 1
    assert drifted.envelope["ok"] is False
    assert {problem["id"] for problem in drifted.envelope["problems"]} == {"render/drift"}
    diff = stackctl("render", "-C", stack, "--diff")
    assert "-workers: 2" in diff.out
    assert "+workers: 3" in diff.out


def test_a_hand_edited_file_is_named_and_kept(stack: Path) -> None:
    stackctl("render", "-C", stack)
    (stack / "bundle/prometheus/rules/budget.yml").write_text("broken: [\n")
    refused = stackctl("render", "-C", stack)
    assert refused.code == 1
    assert "bundle/prometheus/rules/budget.yml" in refused.err
    assert "--force" in refused.err
    assert stackctl("render", "-C", stack, "--force").code == 0


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["rendr"], 2),
        (["render", "--frobnicate"], 2),
        (["render", "-C", "/nonexistent"], 2),
        (["explain", "prometheus.scrape_intervall"], 2),
        (["--help"], 0),
        (["--version"], 0),
        (["explain"], 0),
    ],
)
def test_exit_codes(arguments: list[str], code: int) -> None:
    done = stackctl(*arguments)
    assert done.code == code
    assert done.err.count("\n") == (0 if code == 0 else 1)


@pytest.mark.parametrize("words", [("render",), ("check",), ("alerts", "list"), ("doctor",)])
def test_a_release_of_litellm_that_is_too_old_is_refused_with_all_that_is_known_against_it(
    tmp_path: Path, words: tuple[str, ...]
) -> None:
    assert stackctl("init", tmp_path / "stack", "--defaults").code == 0
    spec = tmp_path / "stack" / "stack.yaml"
    spec.write_text(spec.read_text().replace("engine: bundled", "engine: litellm\n  version: 1.60.0"))
    line = spec.read_text().splitlines().index("  version: 1.60.0") + 1
    done = stackctl(*words, "-C", spec.parent)
    assert (done.code, done.err.count("\n")) == (2, 1)
    assert f"{spec}:{line}:" in done.err
    assert "LiteLLM 1.60.0 is refused: " in done.err
    assert all(reason in done.err for reason in ("need an Enterprise licence", "are not signed", "no catalogue"))
    assert "(upgrade: 1.87 is the oldest known line" in done.err


def test_an_error_in_json_mode_is_an_envelope_and_nothing_else(tmp_path: Path) -> None:
    (tmp_path / "stack.yaml").write_text("version: 1\nnam: x\n")
    done = stackctl("render", "-C", tmp_path, "--json")
    assert (done.code, done.err) == (2, "")
    assert done.envelope["version"] == 1
    assert done.envelope["command"] == "render"
    assert {problem["id"] for problem in done.envelope["problems"]} == {"spec/unknown-field", "spec/missing-field"}


def test_nothing_is_coloured_off_a_terminal(stack: Path) -> None:
    done = stackctl("render", "-C", stack)
    assert "\x1b" not in done.out + done.err


def test_an_unknown_alert_name_gets_a_suggestion(stack: Path) -> None:
    spec = stack / "stack.yaml"
    spec.write_text(spec.read_text().replace("LitellmHighErrorRate:", "LitellmHighErorRate:"))
    refused = stackctl("render", "-C", stack)
    assert refused.code == 2
    assert "did you mean 'LitellmHighErrorRate'?" in refused.err
    assert not (stack / "bundle").exists()


def test_a_text_of_a_view_is_printed_as_it_stands(tmp_path: Path) -> None:
    stack = tmp_path / "[bold]stack :fire:"
    made = stackctl("init", stack, "--demo", "--defaults", "--name", "brackets")
    assert f"created {stack}/stack.yaml" in made.out
    assert stackctl("render", "-C", stack).out.splitlines()[-1].startswith(f"{stack}/bundle: ")


def test_a_file_edited_by_hand_is_not_told_to_be_rendered_again_which_would_refuse(stack: Path) -> None:
    stackctl("render", "-C", stack)
    rules = stack / "bundle/prometheus/rules/budget.yml"
    rules.write_text(rules.read_text() + "# by hand\n")
    checked = stackctl("render", "-C", stack, "--check", "--json")
    assert [problem["remedy"] for problem in checked.envelope["problems"]] == [
        "move the change into stack.yaml, or run `stackctl render --force`"
    ]


def test_the_logs_of_a_stack_that_wrote_none_are_no_silence(stack: Path) -> None:
    (stack / ".stackctl/logs").mkdir(parents=True)
    shown = stackctl("logs", "-C", stack)
    assert (shown.code, shown.out) == (0, "")
    assert shown.err == "nothing is logged yet: `stackctl up` starts the stack\n"
