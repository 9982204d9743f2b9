"""doctor: what is wrong with this stack, or with one that somebody else made."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from stackctl.cli.options import HERE, Directory, Json
from stackctl.cli.output import command
from stackctl.result import Exit, Result

if TYPE_CHECKING:
    from collections.abc import Iterable

    from rich.console import RenderableType

    from stackctl.checks import Report
    from stackctl.checks.doctor.finding import Finding

_FileOption = Path | None


@command("doctor")
def doctor(
    directory: Directory = HERE,
    compose: Annotated[_FileOption, typer.Option(help="Examine this Compose file instead of a stack of ours.")] = None,
    config: Annotated[_FileOption, typer.Option(help="LiteLLM's config.yaml.")] = None,
    prometheus: Annotated[_FileOption, typer.Option(help="prometheus.yml; its rule files are found beside it.")] = None,
    alertmanager: Annotated[_FileOption, typer.Option(help="alertmanager.yml.")] = None,
    url: Annotated[str, typer.Option(help="The running gateway: its metrics are scraped several times.")] = "",
    prometheus_url: Annotated[str, typer.Option(help="The running Prometheus.")] = "",
    alertmanager_url: Annotated[str, typer.Option(help="The running Alertmanager.")] = "",
    token_file: Annotated[
        _FileOption, typer.Option(help="A file with the key that the gateway's /metrics demands.")
    ] = None,
    scrapes: Annotated[int, typer.Option(min=2, max=100, help="How often --url is scraped.")] = 12,
    fix: Annotated[bool, typer.Option("--fix", help="Print a patch that mends what can be mended by a file.")] = False,
    bundle: Annotated[_FileOption, typer.Option(help="Write a support archive (.tar.gz) without secrets.")] = None,
    json_output: Json = False,  # noqa: ARG001 read by the renderer
) -> Result:
    """Examine a stack, ours or anybody's: its files, and its running parts. Changes nothing.

    Exit 1 if there is an error among the findings; warnings and advice leave it at 0.
    """
    from stackctl.checks.doctor.live import Endpoints
    from stackctl.checks.doctor.patch import patch_of
    from stackctl.problem import Severity
    from stackctl.proof.foreign import http_url

    files = {"compose": compose, "config": config, "prometheus": prometheus, "alertmanager": alertmanager}
    given = {name: path for name, path in files.items() if path is not None}
    running = Endpoints(
        gateway=url and http_url("--url", url),
        prometheus=prometheus_url and http_url("--prometheus-url", prometheus_url),
        alertmanager=alertmanager_url and http_url("--alertmanager-url", alertmanager_url),
        token=_token(token_file),
    )
    foreign = bool(given or url or prometheus_url or alertmanager_url)
    report, findings, archive = _foreign(given, running, scrapes) if foreign else _own(directory)
    data = report.as_json() | {"findings": len(report.problems)}
    if fix:
        data["patch"] = patch_of(edit for finding in findings for edit in finding.edits)
    if bundle is not None:
        data["archive"] = {"file": str(bundle), "contains": archive(bundle, report)}
    failed = any(problem.severity >= Severity.ERROR for problem in report.problems)
    problems = sorted(report.problems, key=lambda problem: (-problem.severity, problem.position))
    return Result(data, problems, Exit.NO if failed else Exit.YES, _view(problems), view_has_problems=True)


def _foreign(given: dict[str, Path], running: Any, scrapes: int) -> tuple[Report, list[Finding], Any]:
    from stackctl.checks import Report
    from stackctl.checks.doctor.archive import write_archive
    from stackctl.checks.doctor.deployment import read_deployment
    from stackctl.checks.doctor.disk_space import examine_foreign_disk
    from stackctl.checks.doctor.live import examine_running
    from stackctl.checks.doctor.registry import examine_deployment

    report, findings, texts = Report(), [], {}
    if given:
        deployment = read_deployment(**given)
        findings += examine_deployment(deployment)
        names = ", ".join(path.name for path in deployment.files)
        report.add(names, "stackctl", [finding.problem for finding in findings])
        texts = {f"files/{path.name}": path.read_text(encoding="utf-8", errors="replace") for path in deployment.files}
    findings += examine_running(running, report, scrapes=scrapes)
    if running.prometheus:
        findings += examine_foreign_disk(running.prometheus, report)

    def archive(target: Path, done: Report) -> list[str]:
        facts = {"findings": [problem.as_json() for problem in done.problems]}
        return write_archive(target, texts, facts, [running.token])

    return report, findings, archive


def _own(directory: Path) -> tuple[Report, list[Finding], Any]:
    from stackctl.checks import check_stack, finish
    from stackctl.checks.doctor.archive import write_archive
    from stackctl.checks.doctor.own import examine_bundle, examine_parts, examine_room, examine_verifier, known_secrets
    from stackctl.proof.of_stack import endpoints_of
    from stackctl.runtime.base import runtime_of
    from stackctl.spec import load_spec
    from stackctl.stack import StackDir

    stack = StackDir(directory.resolve())
    source = load_spec(stack.spec)
    report, _ = check_stack(stack)
    findings = examine_bundle(stack, source.spec, report)
    examine_verifier(source.spec, report)
    endpoints = endpoints_of(stack, source.spec)
    findings += examine_parts(stack, source.spec, endpoints, report)
    findings += examine_room(stack, source.spec, endpoints, report)
    finish(report, source)

    def archive(target: Path, done: Report) -> list[str]:
        texts = {"stack.yaml": stack.spec.read_text(encoding="utf-8")}
        rendered = [path for path in stack.bundle.rglob("*") if path.is_file()]
        texts |= {f"bundle/{path.relative_to(stack.bundle)}": path.read_text(encoding="utf-8") for path in rendered}
        facts: dict[str, Any] = {"findings": [problem.as_json() for problem in done.problems]}
        runtime = runtime_of(stack, source.spec)
        for name, ask in (
            ("status", lambda: runtime.status().as_json()),
            ("logs", lambda: list(runtime.logs(lines=200))),
        ):
            facts |= _if_it_answers(name, ask)
        texts["logs.txt"] = "\n".join(facts.pop("logs", []))
        return write_archive(target, texts, facts, known_secrets(source, stack))

    return report, findings, archive


def _if_it_answers(name: str, ask: Any) -> dict[str, Any]:
    from stackctl.errors import StackctlError

    try:
        return {name: ask()}
    except StackctlError as error:
        return {f"{name}_missing": error.message}


def _token(file: Path | None) -> str:
    from stackctl.errors import UsageError

    if file is None:
        return ""
    try:
        return file.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None


def _view(problems: list[Any]) -> Any:
    def view(data: dict[str, Any]) -> Iterable[RenderableType]:
        from rich.text import Text

        if "patch" in data:
            yield Text(data["patch"].rstrip("\n") or "nothing here is mended by a change of these files")
            return
        for problem in problems:
            yield Text.assemble(
                (f"{problem.severity}", _COLOURS[str(problem.severity)]), f" {problem.id}  {_where(problem)}"
            )
            yield Text(f"    {problem.message}")
            for label, text in (("seen", problem.evidence), ("means", problem.consequence), ("do", problem.remedy)):
                if text:
                    yield Text(f"    {label}: {text}")
        for row in data["checked"]:
            yield Text(f"{row['verdict']:>14}  {row['what']}")
        if "archive" in data:
            yield f"wrote {data['archive']['file']}: {len(data['archive']['contains'])} files, secrets taken out"

    return view


def _where(problem: Any) -> str:
    return str(problem.position)


_COLOURS = {"error": "red", "warning": "yellow", "info": "blue"}
