"""The check alert/template."""

from __future__ import annotations

from tests.unit.checks.subjects import GOOD, alert, found, messages, subject

ID = "alert/template"


EXPR = "sum by (model) (rate(litellm_errors_total[5m])) > 1"


def test_a_label_the_result_does_not_have_is_named_at_its_place() -> None:
    text = alert(EXPR, annotations=GOOD | {"summary": "model {{ $labels.modell }} and {{ .Labels.team }}"})
    problems = found(ID, subject(text))
    assert [problem.message for problem in problems] == [
        "the result has no label modell",
        "the result has no label team",
    ]
    line = text.splitlines()[problems[0].position.line - 1]
    assert line[problems[0].position.column - 1 :].startswith("$labels.modell")


def test_a_label_asked_for_before_it_is_used_may_be_absent_but_must_exist_somewhere() -> None:
    good = "{{ with $labels.team }} of {{ . }}{{ end }}"
    assert messages(ID, alert(EXPR, annotations=GOOD | {"summary": good})) == []
    assert len(messages(ID, alert(EXPR, annotations=GOOD | {"summary": good.replace("team", "taem")}))) == 1


def test_the_value_has_no_place_in_a_label() -> None:
    text = alert(EXPR, labels={"severity": "warning", "value": "{{ $value }}"})
    assert messages(ID, text) == ["the label value holds the value"]


def test_unknown_variables_and_open_braces_are_reported() -> None:
    assert messages(ID, alert(EXPR, annotations=GOOD | {"summary": "{{ $label.model }}"})) == [
        "the template variable $label does not exist"
    ]
    assert len(messages(ID, alert(EXPR, annotations=GOOD | {"summary": "{{ $labels.model"}))) == 1


def test_what_templates_may_say_is_fine() -> None:
    text = "{{ $labels.model }} {{ $value | humanize }} {{ $externalLabels.stack }} {{ $x := 1 }}{{ $x }}"
    assert messages(ID, alert(EXPR, annotations=GOOD | {"summary": text})) == []
