from __future__ import annotations

import subprocess
import sys

import pytest
import typer
from typer.main import get_command

from stackctl.cli.app import app_for
from stackctl.cli.output import run_app


def commands_of(word: str | None) -> list[str]:
    group = get_command(app_for(word))
    return group.list_commands(typer.Context(group))  # type: ignore[attr-defined,no-any-return]


@pytest.mark.parametrize("word", commands_of(None))
def test_a_command_line_that_names_a_command_gets_that_one(word: str) -> None:
    assert commands_of(word) == [word]


@pytest.mark.parametrize("word", [None, "--help", "--json", "rendr", ""])
def test_any_other_gets_them_all(word: str | None) -> None:
    assert len(commands_of(word)) > 20


def test_the_module_of_another_command_is_not_loaded() -> None:
    code = (
        "import sys; from stackctl.cli.app import app_for; app_for('render'); print('stackctl.cli.keys' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


@pytest.mark.parametrize("as_json", [False, True])
def test_an_interrupted_command_says_so(as_json: bool, capsys: pytest.CaptureFixture[str]) -> None:
    app = typer.Typer()

    @app.command()
    def wait(json: bool = False) -> None:
        raise KeyboardInterrupt

    assert run_app(app, ["--json" if as_json else "--no-json"]) == 130
    out, err = capsys.readouterr()
    assert "interrupted" in (out if as_json else err)
