"""A taken port is told from a free one and from one of ours."""

from __future__ import annotations

import os
import socket

import pytest

from stackctl.errors import PortTakenError, UsageError
from stackctl.runtime import Part, check_ports, is_free
from stackctl.runtime.ports import owner_of


def test_the_owner_of_a_port_is_found_and_may_be_ours() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        part = Part("gateway", "127.0.0.1", port, "gateway.port")
        assert owner_of(port) == os.getpid()
        assert not is_free("127.0.0.1", port)
        check_ports([part], ours={os.getpid()})
        with pytest.raises(PortTakenError):
            check_ports([part])
    check_ports([part])


def test_the_proposed_port_is_free_and_not_another_part_s() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        parts = [Part("gateway", "127.0.0.1", port, "gateway.port"), Part("inbox", "127.0.0.1", port + 1, "i")]
        with pytest.raises(PortTakenError) as taken:
            check_ports(parts)
    proposed = int(taken.value.remedy.split("such as ")[1].split(" ")[0])
    assert proposed not in (port, port + 1)


def test_an_address_this_machine_does_not_have_is_a_fault_of_the_spec() -> None:
    with pytest.raises(UsageError, match=r"gateway cannot listen on 192\.0\.2\.1:4000: this machine does not have"):
        check_ports([Part("gateway", "192.0.2.1", 4000, "gateway.port")])


@pytest.mark.parametrize(
    ("host", "url"),
    [("127.0.0.1", "http://127.0.0.1:4000"), ("0.0.0.0", "http://127.0.0.1:4000"), ("::", "http://[::1]:4000")],
)
def test_the_url_of_a_part_is_reachable_from_this_machine(host: str, url: str) -> None:
    assert Part("gateway", host, 4000, "gateway.port").url == url
