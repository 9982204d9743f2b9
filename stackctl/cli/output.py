"""The one renderer: results become a view for people or an envelope for machines. Nothing else prints."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from itertools import pairwise
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from stackctl.errors import SpecError, StackctlError
from stackctl.problem import Problem, Severity
from stackctl.result import Exit, Result

if TYPE_CHECKING:
    from rich.console import Console

F = TypeVar("F", bound=Callable[..., Result])

# typer brings its own copy of click and exports only part of it; this is the base of its usage errors.
_UsageFailure: Any = next(base for base in typer.BadParameter.__mro__ if base.__name__ == "ClickException")
_PLAIN_WIDTH = 1000
"""Off a terminal a table is as wide as its text: a reader or a pipe wraps better than a guess."""
_COLOURS = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.INFO: "blue"}


def command(name: str) -> Callable[[F], F]:
    """Turn a function that returns a Result into the command `name`: it prints the result and exits with its code."""

    def decorate(function: F) -> F:
        @functools.wraps(function)
        def run(*args: Any, **options: Any) -> None:
            result = function(*args, **options)
            context = options.get("context")
            if context is not None and context.invoked_subcommand:
                return
            emit(result, name, as_json=bool(options.get("json_output")) or options.get("format_") == "json")
            raise typer.Exit(int(result.exit_code))

        return run  # type: ignore[return-value]  # typer reads the wrapped signature

    return decorate


def emit(result: Result, name: str, *, as_json: bool) -> None:
    """Print a result: the envelope alone on stdout, or the view on stdout and problems on stderr."""
    if as_json:
        sys.stdout.write(json.dumps(result.envelope(name), indent=2) + "\n")
        return
    if result.view is not None:
        for renderable in result.view(result.data):
            if isinstance(renderable, str):
                # As it stands: a path may hold brackets, and rich takes a tenth of a short command's time to import.
                sys.stdout.write(f"{renderable}\n")
            else:
                console().print(renderable)
    for problem in [] if result.view_has_problems else result.problems:
        print_problem(problem)
    for line in result.data.get("details", []):
        console(stderr=True).print(f"  | {line}", markup=False)


def failure(error: StackctlError) -> Result:
    """The result of a command that raised."""
    if isinstance(error, SpecError):
        return Result(problems=list(error.problems), exit_code=error.exit_code)
    data = {"details": list(error.details)} if error.details else {}
    problem = Problem(error.id, error.message, remedy=error.remedy)
    return Result(data=data, problems=[problem], exit_code=error.exit_code)


def print_problem(problem: Problem) -> None:
    """One problem, one line, on stderr."""
    from rich.text import Text

    line = Text.assemble((f"{problem.severity}: ", _COLOURS[problem.severity]), str(problem))
    console(stderr=True).print(line)


@functools.cache
def console(*, stderr: bool = False) -> Console:
    """The console for one stream; off a terminal it writes plain, unwrapped lines."""
    from rich.console import Console

    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else _PLAIN_WIDTH
    return Console(file=stream, width=width, soft_wrap=True, highlight=False)


def run_app(app: typer.Typer, arguments: list[str]) -> int:
    """Run the command line and return its exit code; every failure becomes one clear line."""
    as_json = "--json" in arguments or "--format=json" in arguments or ("--format", "json") in pairwise(arguments)
    name = next((word for word in arguments if not word.startswith("-")), "stackctl")
    try:
        code = app(arguments or ["--help"], prog_name="stackctl", standalone_mode=False)
        if code == Exit.INTERRUPTED:  # some versions of typer turn it into this code without a word
            raise KeyboardInterrupt
    except _UsageFailure as error:
        return _report(Result(problems=[_usage_problem(error)], exit_code=Exit.USAGE), name, as_json)
    except (typer.Abort, KeyboardInterrupt):
        interrupted = Problem("interrupted", "interrupted")
        return _report(Result(problems=[interrupted], exit_code=Exit.INTERRUPTED), name, as_json)
    except StackctlError as error:
        return _report(failure(error), name, as_json)
    except BrokenPipeError:
        return Exit.NO
    return code if isinstance(code, int) else Exit.YES


def _usage_problem(error: Any) -> Problem:
    context = getattr(error, "ctx", None)
    remedy = f"see `{context.command_path} --help`" if context else "see `stackctl --help`"
    return Problem("usage", error.format_message().rstrip("."), remedy=remedy)


def _report(result: Result, name: str, as_json: bool) -> int:
    emit(result, name, as_json=as_json)
    return int(result.exit_code)
