"""References: what is accepted, what it means, and that nothing else gets through."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stackctl.errors import UsageError
from stackctl.images.reference import parse_reference
from stackctl.images.registry import Addresses
from stackctl.spec.images import RegistrySettings

D = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "meaning"),
    [
        ("redis", "docker.io/library/redis:latest"),
        ("redis:7", "docker.io/library/redis:7"),
        ("grafana/grafana:12.0", "docker.io/grafana/grafana:12.0"),
        ("index.docker.io/library/redis:7", "docker.io/library/redis:7"),
        ("ghcr.io/berriai/litellm:v1.104.6", "ghcr.io/berriai/litellm:v1.104.6"),
        ("localhost/app", "localhost/app:latest"),
        ("localhost:5000/app", "localhost:5000/app:latest"),
        ("[::1]:5000/app:v1", "[::1]:5000/app:v1"),
        (f"redis@{D}", f"docker.io/library/redis@{D}"),
        (f"127.0.0.1:5000/a/b:v1@{D}", f"127.0.0.1:5000/a/b:v1@{D}"),
    ],
)
def test_a_reference_is_completed_as_docker_does(text: str, meaning: str) -> None:
    assert str(parse_reference(text)) == meaning
    assert parse_reference(meaning) == parse_reference(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "-h",
        "--output-file=/tmp/owned",
        "-/x:y",
        "app:v1 --key=evil",
        "app;id",
        "$(id)/x",
        "`id`",
        "app|sh",
        "app\n",
        "app:v1\n",
        f"app@{D}\n",
        "a\x00b",
        "App",
        "registry.example/App",
        "../app",
        "registry.example/../app",
        "registry.example//app",
        "registry.example/",
        "/app",
        "app:",
        "app@",
        "app@sha256:abc",
        f"app@sha512:{'a' * 128}",
        f"app@{D.upper()}",
        f"app@{D}@{D}",
        "a:b:c",
        "https://registry.example/app",
        "user@registry.example/app",
        "registry.example:port/app",
        "registry.example:123456/app",
        "-registry.example/app",
        "regístry.example/app",
        "app:" + "v" * 129,
        "a" * 300,
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_reference(text)
    assert "\n" not in str(refused.value)
    assert len(str(refused.value)) < 200


@given(st.text(max_size=60))
def test_what_is_accepted_can_do_no_harm_in_an_argument_list_or_a_url(text: str) -> None:
    try:
        reference = parse_reference(text)
    except UsageError:
        return
    assert re.fullmatch(r"[A-Za-z0-9\[][A-Za-z0-9._:/@\[\]-]*", str(reference))
    assert ".." not in reference.repository
    assert parse_reference(str(reference)) == reference


def test_a_pinned_reference_has_no_tag() -> None:
    assert parse_reference("redis:7").at(D).pinned == f"docker.io/library/redis@{D}"


@pytest.mark.parametrize(
    ("image", "url"),
    [
        ("redis:7", "https://registry-1.docker.io/v2/library/redis"),
        ("ghcr.io/a/b:1", "https://ghcr.io/v2/a/b"),
        ("127.0.0.1:5000/a:1", "http://127.0.0.1:5000/v2/a"),
        ("127.9.9.9/a:1", "http://127.9.9.9/v2/a"),
        ("[::1]:5000/a:1", "http://[::1]:5000/v2/a"),
        ("localhost:5000/a:1", "http://localhost:5000/v2/a"),
        ("localhost.example/a:1", "https://localhost.example/v2/a"),
        ("10.0.0.1:5000/a:1", "https://10.0.0.1:5000/v2/a"),
        ("plain.lan:5000/a:1", "http://plain.lan:5000/v2/a"),
        ("mirrored.example/a/b:1", "https://mirror.lan/cache/v2x/a/b"),
    ],
)
def test_plain_http_is_for_this_machine_and_for_registries_declared_insecure(image: str, url: str) -> None:
    addresses = Addresses(
        {
            "plain.lan:5000": RegistrySettings(insecure=True),
            "mirrored.example": RegistrySettings(mirror="mirror.lan/cache"),
        }
    )
    assert addresses.place_of(parse_reference(image)).url == url.replace("/cache/v2x/", "/v2/cache/")
