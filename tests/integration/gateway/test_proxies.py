"""Upstreams behind a proxy: the same answers, streams and failures as without one, and no secret told to anybody."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from gateway.config import Timeouts
from gateway.errors import UpstreamError
from gateway.upstream import Target
from gateway.upstream.proxied import ProxyingClient
from tests.fakes.proxy import FakeProxy
from tests.integration.gateway.certificate import certificate_for
from tests.integration.gateway.running import PRICE, Running
from tests.integration.gateway.upstream import FakeUpstream
from tests.ports import free_port

HOST = "models.test"
CREDENTIAL = "gateway:pa55-of-the-proxy"
FAILURES = ("status-401", "status-429", "status-500", "status-400", "silent", "garbage", "closes", "half")
TIMEOUTS = {"connect_s": 5, "first_byte_s": 3, "idle_s": 3, "total_s": 20}


@dataclass
class Network:
    """Upstreams by https and by http, none reachable but by a proxy. Nobody trusts the certificates of strangers."""

    secure: FakeUpstream
    plain: FakeUpstream
    stranger: FakeUpstream
    proxy: FakeProxy
    closed: FakeProxy
    by_tls: FakeProxy
    strange_proxy: FakeProxy


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Network]:
    def certificate(name: str) -> tuple[Path, ssl.SSLContext]:
        return certificate_for(name, tmp_path_factory.mktemp("certificate"))

    (upstream_pem, upstream_tls), (proxy_pem, proxy_tls) = certificate(HOST), certificate("localhost")
    trusted = tmp_path_factory.mktemp("trusted") / "authorities"
    trusted.write_bytes(upstream_pem.read_bytes() + proxy_pem.read_bytes())
    with ExitStack() as stack:
        enter = stack.enter_context
        enter(pytest.MonkeyPatch.context()).setenv("SSL_CERT_FILE", str(trusted))
        secure, plain = enter(FakeUpstream(upstream_tls)), enter(FakeUpstream())
        stranger = enter(FakeUpstream(certificate(f"stranger.{HOST}")[1]))
        places = {HOST: secure, f"plain.{HOST}": plain, f"stranger.{HOST}": stranger}
        names = {name: ("127.0.0.1", upstream.port) for name, upstream in places.items()}
        proxies = (
            FakeProxy(names),
            FakeProxy(names, CREDENTIAL),
            FakeProxy(names, CREDENTIAL, proxy_tls),
            FakeProxy(names, CREDENTIAL, certificate("localhost")[1]),
        )
        yield Network(secure, plain, stranger, *map(enter, proxies))


def deployment(name: str, model: str, **more: Any) -> dict[str, Any]:
    fixed = {"provider": "vllm", "api_base": f"https://{HOST}/v1", "price": PRICE, "timeouts": TIMEOUTS}
    return {"name": name, "deployments": [{"id": name, "model": model, **fixed, **more}]}


@pytest.fixture(scope="module")
def proxied(network: Network, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    directory = tmp_path_factory.mktemp("proxied")
    (directory / "proxy-url").write_text(f"http://{CREDENTIAL}@127.0.0.1:{network.closed.port}")
    (directory / "tls-url").write_text(f"https://{CREDENTIAL}@localhost:{network.by_tls.port}")
    (directory / "strange-url").write_text(f"https://{CREDENTIAL}@localhost:{network.strange_proxy.port}")
    models = [deployment(name, name) for name in ("ok", "cut", "endless", *FAILURES)]
    # On this machine, so no proxy holds unless the deployment says so.
    models += [deployment(f"direct-{name}", name, api_base=network.plain.url) for name in ("ok", "cut", *FAILURES)]
    models += [
        deployment("by-http", "ok", api_base=f"http://plain.{HOST}/v1"),
        deployment("by-socks", "ok", proxy=f"socks5h://127.0.0.1:{network.proxy.port}"),
        deployment("with-password", "ok", proxy="file:proxy-url"),
        deployment("refused", "ok", proxy=f"http://127.0.0.1:{network.closed.port}"),
        deployment(
            "refused-http",
            "ok",
            api_base="http://plain.models.test/v1",
            proxy=f"http://127.0.0.1:{network.closed.port}",
        ),
        deployment("away", "ok", proxy=f"http://127.0.0.1:{free_port()}"),
        deployment("by-tls", "ok", proxy="file:tls-url"),
        deployment("by-tls-http", "ok", api_base=f"http://plain.{HOST}/v1", proxy="file:tls-url"),
        deployment("by-tls-cut", "cut", proxy="file:tls-url"),
        deployment("by-tls-stranger", "ok", api_base=f"https://stranger.{HOST}/v1", proxy="file:tls-url"),
        deployment("by-tls-refused", "ok", proxy=f"https://localhost:{network.by_tls.port}"),
        deployment("strange", "ok", proxy="file:strange-url"),
        deployment("strange-http", "ok", api_base=f"http://plain.{HOST}/v1", proxy="file:strange-url"),
    ]
    shared = f"http://127.0.0.1:{network.proxy.port}"
    with Running(directory, workers=1, models=models, proxy=shared, routing={"allowed_failures": 1000}) as running:
        yield running
        running.stop()
        for path in [running.log, *(p for p in running.state.rglob("*") if p.is_file())]:
            assert b"pa55-of-the-proxy" not in path.read_bytes(), path


@pytest.fixture(scope="module")
def key(proxied: Running) -> str:
    return proxied.key(key_alias="client")


def texts(stream: str) -> str:
    events = [line.removeprefix("data: ") for line in stream.splitlines() if line]
    return "".join(
        c["delta"].get("content", "") for e in events if e[0] == "{" for c in json.loads(e).get("choices", ())
    )


@pytest.mark.parametrize("model", ["ok", "by-http", "by-socks", "with-password", "by-tls", "by-tls-http"])
def test_answers_and_streams_pass_whole(proxied: Running, key: str, network: Network, model: str) -> None:
    before = len(network.secure.calls) + len(network.plain.calls)
    answer = proxied.chat(key, model, unknown_field={"a": [1]})
    assert answer.json()["x_unknown"] == {"kept": True}
    assert texts(proxied.chat(key, model, stream=True).text) == "one two three"
    _, headers, body = (network.plain if model.endswith("-http") else network.secure).calls[-1]
    assert body["stream"] is True
    assert "Proxy-Authorization" not in headers
    assert proxied.total("litellm_upstream_attempts_total", model=model, status="200") == 2
    assert len(network.secure.calls) + len(network.plain.calls) == before + 2


def test_the_proxy_is_asked_for_the_host_by_its_name(proxied: Running, key: str, network: Network) -> None:
    assert proxied.chat(key, "by-http").status_code == 200
    assert f"POST http://plain.{HOST}/v1/chat/completions" in network.proxy.asked
    assert proxied.chat(key, "by-socks").status_code == 200
    assert f"SOCKS {HOST}:443" in network.proxy.asked


@pytest.mark.parametrize("model", ["ok", "by-tls"])
def test_a_tunnel_carries_many_requests(proxied: Running, key: str, network: Network, model: str) -> None:
    tunnel = f"CONNECT {HOST}:443"
    proxy = network.proxy if model == "ok" else network.by_tls
    assert proxied.chat(key, model).status_code == 200
    before = proxy.asked.count(tunnel)
    assert before > 0
    for stream in (False, True) * 5:
        assert proxied.chat(key, model, stream=stream).status_code == 200
    assert proxy.asked.count(tunnel) == before


def test_a_proxy_by_tls_is_asked_for_the_whole_address(proxied: Running, key: str, network: Network) -> None:
    assert proxied.chat(key, "by-tls-http").status_code == 200
    assert f"POST http://plain.{HOST}/v1/chat/completions" in network.by_tls.asked


@pytest.mark.parametrize(
    ("name", "stream"), [(n, s) for n in FAILURES for s in (False, True) if (n, s) != ("half", True)]
)
def test_a_failure_is_told_as_without_a_proxy(proxied: Running, key: str, name: str, stream: bool) -> None:
    direct = proxied.chat(key, f"direct-{name}", stream=stream)
    answer = proxied.chat(key, name, stream=stream)
    assert answer.status_code == direct.status_code >= 400
    assert answer.json()["error"]["type"] == direct.json()["error"]["type"]
    assert answer.headers.get("retry-after") == direct.headers.get("retry-after")
    assert HOST not in answer.text


@pytest.mark.parametrize("model", ["cut", "by-tls-cut"])
def test_a_stream_that_is_cut_ends_with_an_error_event(proxied: Running, key: str, model: str) -> None:
    last = [line.removeprefix("data: ") for line in proxied.chat(key, model, stream=True).text.splitlines() if line][-1]
    direct = [line for line in proxied.chat(key, "direct-cut", stream=True).text.splitlines() if line][-1]
    assert json.loads(last) == json.loads(direct.removeprefix("data: "))
    assert json.loads(last)["error"]["code"] == "502"


@pytest.mark.parametrize("model", ["refused", "refused-http", "away", "by-tls-refused"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_proxy_that_refuses_or_is_away_is_a_bad_gateway(proxied: Running, key: str, model: str, stream: bool) -> None:
    answer = proxied.chat(key, model, stream=stream)
    assert answer.status_code == 502
    error = answer.json()["error"]
    assert error["type"] == "connection_error"
    assert "proxy" in error["message"]
    assert "127.0.0.1" not in answer.text


@pytest.mark.parametrize("model", ["strange", "strange-http"])
@pytest.mark.parametrize("stream", [False, True])
def test_a_proxy_whose_certificate_nobody_trusts_gets_no_credential(
    proxied: Running, key: str, network: Network, model: str, stream: bool
) -> None:
    refused = network.strange_proxy.refused
    answer = proxied.chat(key, model, stream=stream)
    assert answer.status_code == 502
    error = answer.json()["error"]
    assert error["type"] == "connection_error"
    assert error["message"] == "no connection to the proxy: TLS failed, its certificate is not trusted"
    proxied.until(lambda: network.strange_proxy.refused == refused + 1, "the proxy has seen the refusal")
    assert network.strange_proxy.asked == []
    where = f"proxy https://localhost:{network.strange_proxy.port}: "
    entries = [json.loads(line) for line in proxied.log.read_text().splitlines() if where in line]
    assert {entry["level"] for entry in entries} == {"warning"}
    assert {entry["message"] for entry in entries} == {f"{where}{error['message']}: self-signed certificate"}


def test_a_proxy_that_fails_every_request_is_told_of_once_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def ask(now: float) -> None:
        monkeypatch.setattr("gateway.upstream.proxied.time", SimpleNamespace(monotonic=lambda: now))
        with pytest.raises(UpstreamError, match="no connection to the proxy"):
            await client.post(target, b"{}", Timeouts())

    async def ask_often() -> None:
        for now in (5.0, 6.0, 64.0, 65.5, 66.0):
            await ask(now)
        await client.close()

    port = free_port()
    client = ProxyingClient()
    target = Target.post(f"http://plain.{HOST}/v1", {}, f"http://{CREDENTIAL}@127.0.0.1:{port}")
    asyncio.run(ask_often())
    assert caplog.messages == [f"proxy http://127.0.0.1:{port}: no connection to the proxy"] * 2


def test_an_upstream_s_certificate_is_looked_at_behind_the_proxy_too(
    proxied: Running, key: str, network: Network
) -> None:
    answer = proxied.chat(key, "by-tls-stranger")
    assert answer.status_code == 502
    message = "no connection to the upstream: TLS failed, its certificate is not trusted"
    assert answer.json()["error"]["message"] == message
    assert network.stranger.calls == []
    assert message not in proxied.log.read_text()


def test_who_leaves_a_stream_ends_it_behind_the_proxy(proxied: Running, key: str, network: Network) -> None:
    before = len(network.secure.of("endless"))
    body = {"model": "endless", "stream": True, "messages": [{"role": "user", "content": "x"}]}
    headers = {"Authorization": f"Bearer {key}"}
    with proxied.http.stream("POST", "/v1/chat/completions", json=body, headers=headers) as answer:
        assert next(answer.iter_lines()).startswith("data: ")
    proxied.until(lambda: proxied.total("litellm_requests_total", model="endless", status="499") == 1, "it is counted")
    assert len(network.secure.of("endless")) == before + 1
    proxied.until(lambda: proxied.total("litellm_current_load") == 0, "nothing is in flight")


def test_an_answer_that_is_too_large_is_cut_off(network: Network) -> None:
    async def ask() -> None:
        client = ProxyingClient(most_bytes=100)
        url = f"http://plain.{HOST}/v1/chat/completions"
        target = Target.post(url, {}, f"http://127.0.0.1:{network.proxy.port}")
        body = json.dumps({"model": "ok", "messages": []}).encode()
        try:
            with pytest.raises(UpstreamError, match="larger than 100 bytes"):
                await client.post(target, body, Timeouts())
        finally:
            await client.close()

    asyncio.run(ask())


def test_the_environment_s_proxies_hold_where_nothing_else_is_said(
    network: Network, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{network.proxy.port}")
    monkeypatch.setenv("NO_PROXY", f"plain.{HOST}")
    models = [
        deployment("https", "ok"),
        deployment("http", "ok", api_base=f"http://plain.{HOST}/v1"),
        deployment("here", "ok", api_base=network.plain.url),
        deployment("direct", "ok", proxy="direct"),
    ]
    with Running(tmp_path, workers=1, models=models) as running:
        key = running.key()
        before = len(network.proxy.asked)
        assert running.chat(key, "https").status_code == 200
        assert network.proxy.asked[before:] == [f"CONNECT {HOST}:443"]
        # Directly there is no such host.
        assert running.chat(key, "http").status_code == 502
        assert running.chat(key, "direct").status_code == 502
        assert running.chat(key, "here").status_code == 200
        assert len(network.proxy.asked) == before + 1
