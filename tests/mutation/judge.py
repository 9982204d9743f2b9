"""Who notices a mutant: `check`'s static findings, else the rules' own promtool tests."""

from __future__ import annotations

import json
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from stackctl.checks.engine import examine
from stackctl.checks.files import subject_of_bundle
from stackctl.checks.rule_tests import AlertTests, alert_tests, run_tests
from stackctl.checks.subject import Subject
from stackctl.problem import Problem, Severity
from stackctl.render import render_bundle
from stackctl.spec import SpecFile, load_spec
from tests.integration.signals.quirks import GROUPS, promtool_tests
from tests.mutation.mutants import Mutant, mutants

ROOT = Path("bundle")


@dataclass
class Judge:
    """One golden spec, its bundle and what is found in it unbroken."""

    spec: Path
    promtool: Path | None = None
    _contents: dict[str, bytes] = field(default_factory=dict)

    @cached_property
    def contents(self) -> Mapping[str, bytes]:
        return render_bundle(self._source).files

    @cached_property
    def subject(self) -> Subject:
        return subject_of_bundle(self._source, self.contents, ROOT)

    @cached_property
    def _alerts(self) -> frozenset[str]:
        return frozenset(rule.name for rule in self.subject.rules if rule.alert)

    @cached_property
    def mutants(self) -> list[Mutant]:
        texts = {str(ROOT / path): content.decode() for path, content in self.contents.items()}
        return mutants(self.subject, texts)

    def caught_by(self, mutant: Mutant) -> str:
        """The id of the first check that finds something new, `promtool`, or "" for a survivor."""
        found = [item for item in self._findings(mutant) if item not in self._known]
        if found:
            return min(found)[0]
        return "promtool" if mutant.file.endswith(".yml") and self._tests_fail(mutant) else ""

    @cached_property
    def _source(self) -> SpecFile:
        return load_spec(self.spec)

    @cached_property
    def _known(self) -> set[tuple[str, str, str]]:
        return {_key(problem) for problem in examine(self.subject) if problem.severity >= Severity.WARNING}

    def _findings(self, mutant: Mutant) -> set[tuple[str, str, str]]:
        """What is found in the bundle with the mutant in place of its file.

        Dashboards are left out that cannot be touched: they stand on recording rules, not on alerts or each other.
        """
        contents = self._with(mutant)
        if mutant.file.endswith(".json") or mutant.target in self._alerts:
            contents = {path: text for path, text in contents.items() if _kept(path, mutant)}
        subject = subject_of_bundle(self._source, contents, ROOT)
        return {_key(problem) for problem in examine(subject) if problem.severity >= Severity.WARNING}

    def _with(self, mutant: Mutant) -> dict[str, bytes]:
        return {**self.contents, str(Path(mutant.file).relative_to(ROOT)): mutant.text.encode()}

    def _tests_fail(self, mutant: Mutant) -> bool:
        """Whether a test fails of the mutant's alert or, for a recording rule, of an alert that stands on it."""
        if self.promtool is None:
            return False
        promtool, concerned = self.promtool, [case for case in self._cases(mutant) if _stands_on(case, mutant.target)]
        if any(run_tests(promtool, [case]) for case in sorted(concerned, key=lambda case: case.cost)):
            return True
        group = Path(mutant.file).stem
        is_record = mutant.target not in self._alerts
        engine = self._source.spec.gateway.engine
        return is_record and engine == "litellm" and group in GROUPS and _quirks_fail(promtool, group, mutant.text)

    def _cases(self, mutant: Mutant) -> list[AlertTests]:
        """The tests of the alerts in the mutant's file."""
        stem = Path(mutant.file).stem
        parts = {path: text for path, text in self._with(mutant).items() if Path(path).stem.split("-")[0] == stem}
        return alert_tests(parts)


def _quirks_fail(promtool: Path, group: str, rules: str) -> bool:
    """The tests of the recording rules that are beside the alerts' own."""
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "rules.yml").write_text(rules)
        (Path(name) / "tests.yml").write_text(json.dumps(promtool_tests(group, "rules.yml")))
        command = [str(promtool), "test", "rules", "tests.yml"]
        return subprocess.run(command, cwd=name, capture_output=True, check=False, timeout=600).returncode != 0


def _stands_on(case: AlertTests, target: str) -> bool:
    return any(target in (rule.get("record"), rule.get("alert")) for rule in case.rules["groups"][0]["rules"])


def _kept(path: str, mutant: Mutant) -> bool:
    return not path.endswith(".json") or str(ROOT / path) == mutant.file


def _key(problem: Problem) -> tuple[str, str, str]:
    return (problem.id, problem.target, problem.message)
