"""Files are what prometheus_client would write, and the page is what it would read."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.utils import floatToGoString

from gateway.accountant.gauges import StateGauges
from gateway.metrics.catalogue import catalogue
from gateway.metrics.cells import CellFile
from gateway.metrics.meter import Meter, entry_key
from gateway.metrics.numbers import go_float
from gateway.metrics.page import Page
from gateway.metrics.recorder import Labels, Recorder
from tests.integration.gateway.running import parsed

WHO = Labels("m", "t", "k", "k", "p")


def stock(directory: Path) -> dict[object, float]:
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(directory))
    return parsed(generate_latest(registry).decode())


def test_keys_are_those_of_prometheus_client() -> None:
    metric = catalogue()["litellm_requests_total"]
    values = ("m", 'te"am', "ключ", "p", "200")
    expected = mmap_key("litellm_requests", metric.name, metric.labels, values, metric.help)
    assert entry_key(metric, metric.name, metric.labels, values) == expected


@given(st.floats(min_value=0, allow_nan=False))
def test_numbers_are_written_as_prometheus_client_writes_them(value: float) -> None:
    assert go_float(value) == floatToGoString(value)


@given(keys=st.lists(st.text(max_size=40), unique=True, max_size=30))
@settings(max_examples=50, deadline=None)
def test_prometheus_client_reads_what_is_written(tmp_path_factory: pytest.TempPathFactory, keys: list[str]) -> None:
    path = tmp_path_factory.mktemp("cells") / "counter_x.db"
    file = CellFile(path)
    keys = [key.encode("utf-8", "ignore").decode() for key in keys]
    for number, key in enumerate(dict.fromkeys(keys)):
        file.view[file.cell(key)] = number + 0.5
    file.close()
    read = {key: value for key, value, _, _ in MmapedDict.read_all_values_from_file(path)}
    assert read == {key: number + 0.5 for number, key in enumerate(dict.fromkeys(keys))}


def count(recorder: Recorder, labels: Labels, seconds: float = 0.1) -> None:
    series = recorder.request(labels, 200)
    if series is not None:
        series.add(seconds, 3, 4, 0.25, 0.001)


def test_the_page_equals_the_stock_collector_while_files_grow(tmp_path: Path) -> None:
    page = Page(tmp_path)
    recorders = [Recorder(tmp_path, f"w{n}") for n in range(3)]
    for step in range(4):
        for number, recorder in enumerate(recorders):
            for model in range(40 * step + 1):
                labels = Labels(f"m{model}", "t", f'k"{number}', "other", "p")
                count(recorder, labels, 0.3 * step)
            recorder.observe("litellm_time_to_first_token_seconds", 700.0, WHO)
            recorder.count("litellm_current_load", 1.0, "m")
        assert parsed(page.render().decode()) == stock(tmp_path)
    assert parsed(page.render().decode())["litellm_current_load", frozenset({("model", "m")})] == 12


def test_a_restarted_process_goes_on_with_its_file(tmp_path: Path) -> None:
    first = Meter(tmp_path, "w0")
    first.number("litellm_cache_hits_total", "m").add(3)
    first.distribution("litellm_request_duration", "m", "p", "200").observe(1.0)
    first.close()
    second = Meter(tmp_path, "w0")
    second.number("litellm_cache_hits_total", "m").add(2)
    second.distribution("litellm_request_duration", "m", "p", "200").observe(1.0)
    samples = parsed(Page(tmp_path).render().decode())
    assert samples["litellm_cache_hits_total", frozenset({("model", "m")})] == 5
    labels = frozenset({("model", "m"), ("provider", "p"), ("status", "200")})
    assert samples["litellm_request_duration_count", labels] == 2


def test_a_vanished_gauge_file_leaves_no_ghost(tmp_path: Path) -> None:
    page = Page(tmp_path)
    for slot in ("w0", "w1"):
        Meter(tmp_path, slot).number("litellm_current_load", "m").set(2)
    load = ("litellm_current_load", frozenset({("model", "m")}))
    assert parsed(page.render().decode())[load] == 4
    (tmp_path / "gauge_livesum_w0.db").unlink()
    assert parsed(page.render().decode())[load] == 2
    (tmp_path / "gauge_livesum_w1.db").unlink()
    assert page.render() == b""


def test_an_empty_file_of_a_killed_process_does_not_break_the_page(tmp_path: Path) -> None:
    Meter(tmp_path, "w0").number("litellm_cache_hits_total", "m").add(1)
    (tmp_path / "counter_w1.db").touch()
    assert b'litellm_cache_hits_total{model="m"} 1.0' in Page(tmp_path).render()


def test_a_full_disk_is_an_exception_and_counting_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path, "w0")
    count(recorder, WHO)

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "posix_fallocate", full)
    for number in range(500):
        count(recorder, Labels(f"m{number}", "t", "k", "k", "p"))
    count(recorder, WHO)
    monkeypatch.undo()
    count(recorder, Labels("m499", "t", "k", "k", "p"))
    samples = parsed(Page(tmp_path).render().decode())
    series = frozenset({("model", "m"), ("team", "t"), ("key", "k"), ("provider", "p"), ("status", "200")})
    assert samples["litellm_requests_total", series] == 2
    assert samples == stock(tmp_path)


def test_the_buckets_have_an_edge_at_30_seconds_and_go_beyond() -> None:
    for metric in catalogue().values():
        if metric.name.startswith("litellm_request_duration"):
            assert metric.buckets[0] == 0.005
            assert {30.0, 60.0, 120.0, 300.0, 600.0} <= set(metric.buckets)


def test_a_state_gauge_keeps_its_value_while_its_file_grows(tmp_path: Path) -> None:
    gauges = StateGauges(tmp_path)
    for number in range(600):
        gauges.set("litellm_budget_usd", number + 1.0, "team", f"key-{number}")
    gauges.go_live()
    samples = parsed(Page(tmp_path).render().decode())
    assert sorted(samples.values()) == [number + 1.0 for number in range(600)]
