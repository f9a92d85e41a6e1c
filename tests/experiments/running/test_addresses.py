"""Which addresses are connected to, whatever a name on a list of hosts leads to. No test leaves this machine."""

import ipaddress
import json
import socket

import aiohttp
import pytest
from aiohttp.abc import AbstractResolver

from evaltrack.integrations import addresses
from evaltrack.integrations.model_api import Answer, CallFailed, Failure, ModelCaller, Question
from evaltrack.integrations.webhooks import Failed, Post, Posting, Taken
from experiments.models import ExperimentStatus
from tests.endpoint import adds, serve
from tests.notifications.webhooks import receiving, takes

NEVER = [
    "169.254.169.254", "169.254.0.1", "fe80::1", "fe80::a9fe:a9fe", "::ffff:169.254.169.254", "64:ff9b::a9fe:a9fe",
    "2002:a9fe:a9fe::1", "224.0.0.1", "ff02::1", "0.0.0.0", "::", "::ffff:0.0.0.0", "255.255.255.255", "240.0.0.1",
    "fd00:ec2::254", "100.100.100.200", "168.63.129.16",
]  # fmt: skip
LOOPBACK = ["127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"]
PRIVATE = ["10.0.0.1", "172.16.0.1", "192.168.1.1", "fd12::1", "100.64.0.1"]
PUBLIC = ["93.184.216.34", "2606:2800:220:1::1", "::ffff:93.184.216.34"]


class Leads(AbstractResolver):
    """Every name leads to these addresses, whoever asks."""

    def __init__(self, *found: str) -> None:
        self.found = found

    async def resolve(self, host, port=0, family=socket.AF_INET):
        return [
            {
                "hostname": host,
                "host": each,
                "port": port,
                "family": socket.AF_INET6 if ":" in each else socket.AF_INET,
                "proto": 0,
                "flags": socket.AI_NUMERICHOST,
            }
            for each in self.found
        ]

    async def close(self) -> None:
        """Nothing is open."""


def refused(address: str, of: str = "gateway.example", private: bool = True) -> str:
    return addresses.refused(ipaddress.ip_address(address), of=of, private=private)


def asked(url: str, *found: str, private: bool = True) -> Answer | CallFailed:
    """What becomes of a question to `url`, where names lead to the addresses `found`."""
    body = {"model": "m", "messages": [{"role": "user", "content": "What is 1 plus 1?"}]}
    question = Question(url=url, body=body, read=lambda said: Answer(json.dumps(said)), timeout_ms=5000)
    with ModelCaller(private=private, names=Leads(*found) if found else None) as caller:
        caller.start(1, question)
        [(_, result)] = caller.collect(timeout_s=10)
    return result


@pytest.mark.parametrize("address", NEVER)
@pytest.mark.parametrize("host", ["gateway.example", "localhost", "127.0.0.1"])
def test_some_addresses_are_never_called(address, host):
    assert refused(address, host)


@pytest.mark.parametrize("address", LOOPBACK)
def test_loopback_is_called_only_where_it_is_listed_as_that(address):
    assert "loopback" in refused(address)
    for host in ("localhost", "127.0.0.1", "::1"):
        assert not refused(address, host)
    for host in ("localhost.example", "127.1", "2130706433", "xn--localhost"):
        assert refused(address, host)


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_called_unless_the_operator_rules_them_out(address):
    assert not refused(address)
    assert "EVALTRACK_PRIVATE_ADDRESSES" in refused(address, private=False)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address):
    assert not refused(address)
    assert not refused(address, private=False)


@pytest.mark.parametrize("address", [*NEVER, *LOOPBACK])
def test_a_name_that_leads_there_is_not_called(address):
    with serve(adds) as endpoint:
        result = asked(f"http://gateway.example:{endpoint.port}/v1", address)
        assert endpoint.calls == []
    assert isinstance(result, CallFailed)
    assert result.failure == Failure.REJECTED
    assert f"gateway.example leads to {address}" in result.detail


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "[fe80::1]", "0.0.0.0", "[::ffff:169.254.169.254]", "224.0.0.1"]
)
def test_an_address_that_is_written_as_such_is_not_called_either(address):
    with serve(adds) as endpoint:
        result = asked(f"http://{address}:{endpoint.port}/v1")
        assert endpoint.calls == []
    assert isinstance(result, CallFailed)
    assert (result.failure, "nothing was sent" in result.detail) == (Failure.REJECTED, True)


@pytest.mark.parametrize("written", ["127.1", "2130706433", "0x7f000001", "0177.0.0.1"])
def test_loopback_in_disguise_is_not_called(written):
    """The system takes these for addresses of this machine; a list has them as names."""
    with serve(adds) as endpoint:
        result = asked(f"http://{written}:{endpoint.port}/v1")
        assert endpoint.calls == []
    assert isinstance(result, CallFailed)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_that_is_named_as_that_is_called(host):
    with serve(adds) as endpoint:
        assert isinstance(asked(f"http://{host}:{endpoint.port}/v1"), Answer)


def test_of_several_addresses_those_that_may_be_called_are():
    with serve(adds) as endpoint:
        result = asked(f"http://localhost:{endpoint.port}/v1", "169.254.169.254", "127.0.0.1", "0.0.0.0")
    assert isinstance(result, Answer)


def test_the_same_holds_for_messages_to_channels():
    with receiving(takes) as receiver:
        port = int(receiver.address.split(":")[2].split("/")[0])
        for address, outcome in (("169.254.169.254", Failed), ("127.0.0.1", Failed), (None, Taken)):
            host = "chat.example" if address else "127.0.0.1"
            with Posting(private=True, names=Leads(address) if address else None) as pool:
                pool.start(1, Post(f"http://{host}:{port}/x", b"{}", {}))
                [(_, result)] = pool.collect(timeout_s=10)
            assert isinstance(result, outcome)
            if isinstance(result, Failed):
                assert not result.may_pass
                assert result.of_address
                assert "It may not be called" in result.detail
        assert len(receiver.calls) == 1


def test_an_experiment_whose_endpoint_leads_there_ends_and_says_why(run, settings, monkeypatch):
    settings.TARGET_HOSTS = ["gateway.example:*"]
    monkeypatch.setattr(aiohttp, "ThreadedResolver", lambda: Leads("169.254.169.254"))
    with serve(adds) as endpoint:

        class Elsewhere:
            base_url = f"http://gateway.example:{endpoint.port}/v1"

        experiment = run(Elsewhere)
        assert endpoint.calls == []
    assert experiment.status == ExperimentStatus.UNDECIDED
    assert "gateway.example leads to 169.254.169.254, which is link-local" in experiment.reason
