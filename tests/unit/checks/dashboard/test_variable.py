"""The check dashboard/variable."""

from __future__ import annotations

from tests.unit.checks.subjects import dashboard, found, messages, subject

ID = "dashboard/variable"


MODEL = {"name": "model", "type": "query", "multi": True, "query": "label_values(litellm_requests_total, model)"}


def test_a_variable_nobody_declares_is_reported_with_the_nearest() -> None:
    (problem,) = found(ID, subject(dashboard('litellm_current_load{model=~"$modle"}', variables=[MODEL])))
    assert problem.remedy == "did you mean model?"


def test_several_values_behind_an_equals_sign_match_nothing() -> None:
    assert len(messages(ID, dashboard('litellm_current_load{model="$model"}', variables=[MODEL]))) == 1
    assert messages(ID, dashboard('litellm_current_load{model=~"${model:regex}"}', variables=[MODEL])) == []


def test_the_label_a_variable_lists_must_exist() -> None:
    wrong = MODEL | {"query": {"query": "label_values(litellm_requests_total, modell)", "refId": "v"}}
    assert messages(ID, dashboard("up", variables=[wrong])) == ["label_values(): the metric has no label modell"]
