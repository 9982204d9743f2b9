"""check: examine a stack, or any rule and dashboard files, and say what is wrong, where, and what to do."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from stackctl.cli.options import HERE, Directory, Json
from stackctl.cli.output import command
from stackctl.result import Exit, Result

if TYPE_CHECKING:
    from stackctl.checks import Report
    from stackctl.checks.subject import Subject


class Format(StrEnum):
    """How findings are written."""

    HUMAN = "human"
    JSON = "json"
    GITHUB = "github"
    JUNIT = "junit"


class FailOn(StrEnum):
    """From which severity on the exit code is 1."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"
    NEVER = "never"


@command("check")
def check(
    files: Annotated[
        list[Path] | None,
        typer.Argument(help="Rule files, dashboards, prometheus.yml, alertmanager.yml; none: the stack in -C."),
    ] = None,
    directory: Directory = HERE,
    catalogue: Annotated[
        list[str] | None,
        typer.Option(help="What files are checked against: bundled, litellm-1.102, a captured file. Repeatable."),
    ] = None,
    fail_on: Annotated[FailOn, typer.Option(help="Exit 1 from this severity on.")] = FailOn.ERROR,
    format_: Annotated[Format, typer.Option("--format", help="How findings are written.")] = Format.HUMAN,
    live: Annotated[
        str | None, typer.Option(metavar="URL", help="Also compare a running gateway's metrics with the catalogue.")
    ] = None,
    token_file: Annotated[
        Path | None, typer.Option(help="A file with the bearer token that --live's /metrics demands.")
    ] = None,
    scrapes: Annotated[int, typer.Option(min=1, max=50, help="How often --live reads the metrics.")] = 5,
    prometheus: Annotated[
        str | None, typer.Option(metavar="URL", help="Also evaluate every alert's parts in a running Prometheus.")
    ] = None,
    panels: Annotated[
        bool, typer.Option("--panels", help="Also run every panel's query; --prometheus, else the stack's own.")
    ] = False,
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Examine the spec, its secrets and what it renders to; or the files that are named."""
    from stackctl.checks import finish
    from stackctl.cli.check_view import view_of

    report, subject = _static(files or [], directory, catalogue or [])
    if live:
        _gateway(report, subject, live, _token(token_file, subject, directory), scrapes, catalogue or [])
    _live(report, subject, prometheus, panels)
    finish(report, subject.spec if subject is not None else None)
    return Result(
        report.as_json(),
        report.problems,
        Exit.NO if _failed(report, fail_on) else Exit.YES,
        view_of(format_, report.problems),
        view_has_problems=True,
    )


def _static(files: list[Path], directory: Path, catalogues: list[str]) -> tuple[Report, Subject]:
    from stackctl.checks import check_files, check_stack
    from stackctl.checks.files import subject_of_files
    from stackctl.errors import UsageError
    from stackctl.stack import StackDir

    if files:
        subject = subject_of_files(files, catalogues)
        return check_files(subject), subject
    if catalogues and not StackDir(directory).spec.exists():
        # Only a gateway to look at: no file, no stack.
        subject = subject_of_files([], catalogues)
        return check_files(subject), subject
    if catalogues:
        raise UsageError("--catalogue is for files; a stack is checked against its own engine", remedy="name files")
    return check_stack(StackDir(directory))


def _gateway(report: Report, subject: Subject, url: str, token: str, count: int, named: list[str]) -> None:
    from stackctl.checks.catalogues import open_catalogue
    from stackctl.checks.live.run import check_gateway

    for name in named or subject.catalogues:
        check_gateway(report, open_catalogue(name, Path()), url, token, count)


def _live(report: Report, subject: Subject, url: str | None, panels: bool) -> None:
    from stackctl.checks.live.run import check_panels, check_prometheus
    from stackctl.cli.prometheus_url import prometheus_url

    if url:
        check_prometheus(report, subject, url)
    if panels:
        check_panels(report, subject, url or prometheus_url(subject.spec))


def _token(file: Path | None, subject: Subject, directory: Path) -> str:
    from stackctl.errors import UsageError
    from stackctl.spec import Secret

    if file is not None:
        try:
            return file.read_text(encoding="utf-8").strip()
        except OSError as error:
            raise UsageError(f"{file} cannot be read: {error.strerror}") from None
    reference = subject.spec.spec.gateway.metrics.token if subject.spec else None
    return Secret(reference, directory).read() if reference else ""


def _failed(report: Report, fail_on: FailOn) -> bool:
    from stackctl.problem import Severity

    if fail_on is FailOn.NEVER:
        return False
    return any(problem.severity >= Severity[fail_on.name] for problem in report.problems)
