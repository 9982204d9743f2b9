"""Check `native/test-failed`: the rendered promtool tests of every alert, run by promtool.

promtool evaluates every rule of a file at every step of every test. So each alert is judged apart, with the recording
rules it stands on and nothing else, which gives the same answers in a quarter of the time.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import subprocess
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stackctl.checks import verdicts
from stackctl.problem import Position, Problem
from stackctl.promql import QueryError, Selector, parse_query, walk
from stackctl.spec.quantity import Duration
from stackctl.yaml_data import load_yaml

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from stackctl.checks.report import Report
    from stackctl.runtime.tools import Tool

_RULES, _TESTS = "prometheus/rules/", "prometheus/tests/"
_TIMEOUT_S = 600
_ALERT = re.compile(r'alertname="([^"]+)"')
_FAILURE = re.compile(r"time: (?P<time>\w+),\s+exp:\s*(?P<expected>.*)")
_UNIT = "Unit Testing:"
_CONSEQUENCE = "The alert fires when it should not, or stays silent when it should fire."
_REMEDY = "look at its threshold, `for` and floor in stack.yaml; if they are as wanted, report it"


@dataclass(frozen=True)
class AlertTests:
    """One alert with what it stands on, and its tests of one file of the bundle."""

    alert: str
    file: str
    rules: dict[str, Any]
    tests: dict[str, Any]

    @property
    def cost(self) -> int:
        """Evaluations of rules that promtool will make, roughly."""
        step = Duration(self.tests["evaluation_interval"]).seconds
        last = sum(Duration(test["promql_expr_test"][-1]["eval_time"]).seconds for test in self.tests["tests"])
        return int(last / step * len(self.rules["groups"][0]["rules"]))

    @cached_property
    def key(self) -> str:
        """What decides the verdict, as a hash."""
        text = json.dumps([self.rules, self.tests], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def check_rule_tests(files: Mapping[str, bytes], promtool: Tool | None, report: Report) -> None:
    """Run the tests a bundle would write; without promtool the report says that nobody did.

    A verdict that this version of promtool gave before on the same rules and tests is remembered.
    """
    cases = alert_tests(files)
    count = sum(len(case.tests["tests"]) for case in cases)
    what = f"{count} tests of {len({case.alert for case in cases})} alerts"
    if promtool is None:
        report.skip(what, "promtool comes with Prometheus")
        return
    passed = verdicts.Passed(promtool)
    unknown = [case for case in cases if not passed.has(case.key)]
    problems = run_tests(promtool.path, unknown)
    failed = {problem.target for problem in problems}
    passed.add(case.key for case in unknown if case.alert not in failed)
    earlier = f" ({len(cases) - len(unknown)} of {len(cases)} files as before)" if len(unknown) < len(cases) else ""
    report.add(what, f"{promtool.name} {promtool.version}{earlier}", problems)


def alert_tests(files: Mapping[str, bytes]) -> list[AlertTests]:
    """The rendered tests by alert; `files` is path in the bundle → content."""
    found = []
    for path in sorted(files):
        if not path.startswith(_TESTS):
            continue
        content = load_yaml(files[path])
        by_alert: dict[str, list[dict[str, Any]]] = {}
        for test in content["tests"]:
            by_alert.setdefault(_tested(test), []).append(test)
        group = _group(files[_RULES + Path(content["rule_files"][0]).name])
        for alert, tests in by_alert.items():
            rules = {"groups": [group | {"rules": list(_needed(group["rules"], alert))}]}
            found.append(AlertTests(alert, path, rules, content | {"tests": tests}))
    return found


def run_tests(promtool: Path, cases: Iterable[AlertTests]) -> list[Problem]:
    """What fails, in as many promtools at once as there are processors."""
    shares: list[list[AlertTests]] = [[] for _ in range(os.cpu_count() or 1)]
    for case in sorted(cases, key=lambda case: -case.cost):
        min(shares, key=lambda share: sum(item.cost for item in share)).append(case)
    busy = [share for share in shares if share]
    with ThreadPoolExecutor(max(1, len(busy))) as pool:
        return [problem for found in pool.map(lambda share: _run(promtool, share), busy) for problem in found]


def _run(promtool: Path, cases: list[AlertTests]) -> list[Problem]:
    with tempfile.TemporaryDirectory(prefix="stackctl-check-") as name:
        tests = []
        for number, case in enumerate(cases):
            rules, test = Path(name) / f"rules-{number}.yml", Path(name) / f"test-{number}.yml"
            rules.write_text(json.dumps(case.rules))
            test.write_text(json.dumps(case.tests | {"rule_files": [rules.name]}))
            tests.append(test.name)
        command = [str(promtool), "test", "rules", *tests]
        # promtool names the file on one output and says what fails on the other: together they are in order.
        output = subprocess.PIPE
        done = subprocess.run(
            command, cwd=name, stdout=output, stderr=subprocess.STDOUT, text=True, timeout=_TIMEOUT_S, check=False
        )
    if done.returncode == 0:
        return []
    said = {file: text for file, _, text in (part.strip().partition("\n") for part in done.stdout.split(_UNIT)[1:])}
    failed = [(case, said.get(test, "")) for case, test in zip(cases, tests, strict=True)]
    return [_problem(case, text) for case, text in failed if "SUCCESS" not in text]


def _problem(case: AlertTests, text: str) -> Problem:
    """Only newer promtools name the test that fails; all say when, what they expected and what they got."""
    first = _FAILURE.search(text)
    if first is None:
        what = f"cannot be tested: {' '.join(text.split())[:200] or 'promtool says nothing'}"
    elif first["expected"].startswith("nil"):
        what = f"fires in its tests after {first['time']}, where it must be silent"
    else:
        what = f"is silent in its tests after {first['time']}, where it must fire"
    return Problem(
        "native/test-failed",
        f"{case.alert} {what}",
        position=Position(f"bundle/{case.file}"),
        consequence=_CONSEQUENCE,
        remedy=_REMEDY,
        target=case.alert,
    )


def _tested(test: dict[str, Any]) -> str:
    found = _ALERT.search(test["promql_expr_test"][0]["expr"])
    return found[1] if found else ""


def _group(content: bytes) -> dict[str, Any]:
    group: dict[str, Any] = load_yaml(content)["groups"][0]
    rules = [{name: value for name, value in rule.items() if name != "annotations"} for rule in group["rules"]]
    return group | {"rules": rules}


def _needed(rules: list[dict[str, Any]], alert: str) -> Iterator[dict[str, Any]]:
    """The alert's rules and all that they stand on, in the order of the file."""
    records: dict[str, list[dict[str, Any]]] = {}
    for rule in rules:
        records.setdefault(rule.get("record", ""), []).append(rule)
    wanted = [rule for rule in rules if rule.get("alert") == alert]
    for rule in wanted:
        for name in _names(rule["expr"]):
            wanted += [item for item in records.get(name, ()) if item not in wanted]
    yield from (rule for rule in rules if rule in wanted)


def _names(expr: str) -> set[str]:
    try:
        return {node.name for node in walk(parse_query(expr).root) if isinstance(node, Selector) and node.name}
    except QueryError:
        return set()
