"""Which targets a policy lets through: classes of addresses, ports, lists, and what cannot be a policy."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv6Address, IPv6Network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks_app.handlers._addresses import address_of, is_here, is_metadata, is_public
from tasks_app.handlers._targets import NOT_PINGED, Policy, Use, policy_of
from tasks_app.tests.handlers.nasty import LITERALS, ODD, PUBLIC, SCOPED

AZURE = "168.63.129.16"  # metadata at an address like any other


def lets(policy: Policy, target: str, port: int = 443, use: Use = Use.HTTP, name: str = "") -> bool:
    address = address_of(target)
    assert address is not None
    return policy.lets(use, name, address, port)


@pytest.mark.parametrize("text", [text for text in LITERALS + SCOPED if text != AZURE])
def test_what_is_not_of_the_internet_is_not_public(text: str):
    assert not lets(policy_of("public"), text)


@pytest.mark.parametrize("text", PUBLIC)
def test_what_is_of_the_internet_is_public_up_to_the_last_address_beside_a_range(text: str):
    assert lets(policy_of("public"), text)


@given(st.ip_addresses(v=4))
def test_an_address_within_another_is_judged_as_it_would_be_alone(inner: IPv4Address):
    low = int(inner)
    wrapped = [
        IPv6Address(0x64_FF9B << 96 | low),
        IPv6Address(0x2002 << 112 | low << 80 | 1),
        IPv6Address(0x2001_0000 << 96 | 0x0808_0808 << 64 | low ^ 0xFFFF_FFFF),
        IPv6Address(0x2606_4700 << 96 | 0x5EFE << 32 | low),
    ]
    assert {is_public(address) for address in wrapped} == {is_public(inner)}
    assert {is_metadata(address) for address in wrapped} == {is_metadata(inner)}
    assert address_of(f"::ffff:{inner}") == inner


@given(st.ip_addresses(v=6))
def test_what_python_calls_private_is_never_public(address: IPv6Address):
    carries = address.sixtofour or address.teredo or address in IPv6Network("64:ff9b::/96")
    assert address.is_global or carries or not is_public(address)


@pytest.mark.parametrize("text", ["169.254.169.254", "169.254.170.2", "fd00:ec2::254", "100.100.100.200", AZURE, "::ffff:169.254.169.254"])
def test_metadata_is_known_in_every_form(text: str):
    address = address_of(text)
    assert address is not None
    assert is_metadata(address)


@pytest.mark.parametrize("text", ["127.0.0.1", "127.9.9.9", "0.0.0.0", "::", "::1", "::ffff:127.0.0.1", "2002:7f00:1::", "::1%lo"])
def test_this_machine_is_known_in_every_form(text: str):
    address = address_of(text)
    assert address is not None
    assert is_here(address)


@pytest.mark.parametrize("text", ["192.0.2.7", "8.8.8.8", "2001:db8::7"])
def test_other_machines_are_not_this_one(text: str):
    address = address_of(text)
    assert address is not None
    assert not is_here(address)


@pytest.mark.parametrize("text", [*ODD, "", " 127.0.0.1", "127.0.0.1 ", "example.org"])
def test_what_only_some_read_as_an_address_is_none(text: str):
    assert address_of(text) is None


@pytest.mark.parametrize(
    ("use", "open_", "closed"),
    [
        (Use.HTTP, {80, 443, 8080, 8443}, {0, 22, 25, 79, 81, 6379, 8000, 9200, 65_535, 65_536}),
        (Use.TCP, {1, 22, 80, 443, 6379, 65_535}, {0, *NOT_PINGED, 65_536}),
        (Use.DNS, {53}, {0, 22, 52, 54, 80, 5353, 11_211}),
    ],
)
def test_public_targets_have_ports_that_go_with_their_use(use: Use, open_: set[int], closed: set[int]):
    policy = policy_of("public")
    for port in open_ | closed:
        assert lets(policy, "8.8.8.8", port, use) is (port in open_), port
        assert policy.might(use, "example.org", port) is (port in open_), port


def test_the_ports_of_http_can_be_set():
    policy = policy_of("public", "80, 8000-8002")
    assert [port for port in (80, 443, 7999, 8000, 8002, 8003) if lets(policy, "8.8.8.8", port)] == [80, 8000, 8002]


@pytest.mark.parametrize("port", [1, 22, 25, 80, 65_535])
def test_any_means_any_port_there_is(port: int):
    policy = policy_of("any")
    assert lets(policy, "10.0.0.1", port)
    assert lets(policy, "127.0.0.1", port, Use.TCP)
    assert not lets(policy, "10.0.0.1", 0)
    assert not lets(policy, "10.0.0.1", 65_536)


LIST = policy_of("10.1.2.0/24:443, [fd00::]/8:8000-8100, [2001:db8:1::/48], 192.168.7.7, Partner.Example.:443, web:8000, fd99::1")


@pytest.mark.parametrize(
    ("address", "port", "name", "let"),
    [
        ("10.1.2.3", 443, "", True),
        ("10.1.2.3", 443, "any.example", True),
        ("10.1.2.3", 80, "", False),
        ("10.1.3.3", 443, "", False),
        ("::ffff:10.1.2.3", 443, "", True),
        ("2002:a01:203::", 443, "", False),
        ("64:ff9b::10.1.2.3", 443, "", False),
        ("fd12::1", 8000, "", True),
        ("fd12::1", 8101, "", False),
        ("fc00::1", 8000, "", False),
        ("2001:db8:1::9", 1, "", True),
        ("2001:db8:2::9", 1, "", False),
        ("192.168.7.7", 65_535, "", True),
        ("192.168.7.8", 80, "", False),
        ("fd99::1", 22, "", True),
        ("93.184.216.34", 443, "partner.example", True),
        ("93.184.216.34", 80, "partner.example", False),
        ("93.184.216.34", 443, "other.example", False),
        ("93.184.216.34", 443, "sub.partner.example", False),
        ("93.184.216.34", 443, "", False),
        ("127.0.0.1", 443, "partner.example", False),
        ("10.9.9.9", 443, "partner.example", False),
        ("10.1.2.3", 443, "partner.example", True),
        ("172.18.0.5", 8000, "web", True),
        ("172.18.0.5", 8001, "web", False),
        ("172.18.0.5", 8000, "", False),
        ("8.8.8.8", 443, "", False),
    ],
)
def test_a_list_lets_through_what_it_says_and_nothing_else(address: str, port: int, name: str, let: bool):
    assert lets(LIST, address, port, Use.TCP, name) is let


def test_a_list_may_hold_public_targets_as_well():
    policy = policy_of("public,10.1.2.0/24:25")
    assert lets(policy, "8.8.8.8", 443)
    assert not lets(policy, "8.8.8.8", 25, Use.TCP)
    assert lets(policy, "10.1.2.3", 25, Use.TCP)
    assert not lets(policy, "10.1.3.3", 443)
    assert policy.words == "public,10.1.2.0/24:25"


def test_nobody_is_asked_for_the_addresses_of_a_name_that_could_not_pass():
    policy = policy_of("partner.example:443")
    assert policy.might(Use.TCP, "partner.example", 443)
    assert not policy.might(Use.TCP, "partner.example", 80)
    assert not policy.might(Use.TCP, "other.example", 443)
    assert policy_of("10.0.0.0/8:443").might(Use.TCP, "other.example", 443)


@pytest.mark.parametrize(
    "words",
    [
        ",", "any,public", "any,10.0.0.0/8", "none*", "10.0.0.0/33", "10.0.0.1/24", "10.0.0.0/8:", "10.0.0.0/8:0", "10.0.0.0/8:65536",
        "10.0.0.0/8:9-1", "10.0.0.0/8:http", "127.1", "0x7f000001", "2130706433", "[10.0.0.0:80", "fd00::/8:443x", "[fd00::]/129",
        "[]", "http://example.org", "example.org/path", "user@example.org", "*.example.org", "a..b", "exa mple.org", "10.0.0.0/8:443;80",
        "10.0.0.0/8:-5", "10.0.0.0/8:443-", "x" * 300,
    ],
)  # fmt: skip
def test_what_is_no_policy_is_told_in_a_sentence_that_names_the_setting(words: str):
    with pytest.raises(ValueError, match=r"^IOTASK_TARGETS .*allowed: any, public, or a list such as .*\.$") as told:
        policy_of(words)
    assert len(str(told.value)) < 400


@pytest.mark.parametrize(
    "words", ["publik", "Public", "ANY", "pubilc", "publc", "publics", "anny", "all", "none", "public,anyy", "10.0.0.0/8, local"]
)
def test_a_single_word_that_looks_like_a_mode_is_not_taken_for_a_host(words: str):
    with pytest.raises(ValueError, match=r"which is no mode; a host of that name is written \w+:1-65535; allowed: any, public"):
        policy_of(words)


@pytest.mark.parametrize(
    "host", ["web", "db", "kafka", "backend", "publik:1-65535", "all:80", "publik.example.org", "any.example.org", "public2"]
)
def test_hosts_of_other_names_and_those_with_ports_are_hosts(host: str):
    assert [entry.name for entry in policy_of(host).entries] == [host.partition(":")[0]]


@pytest.mark.parametrize("ports", ["0", "65536", "http", "80;443", "443-80", "-1", "80-", "8٠"])
def test_ports_that_are_none_are_told_in_a_sentence_that_names_the_setting(ports: str):
    with pytest.raises(ValueError, match=r"^IOTASK_HTTP_PORTS is .*allowed: ports and ranges of them"):
        policy_of("public", ports)


@given(st.text(alphabet="0123456789abcdefx.:/[]-,%*", max_size=40))
def test_whatever_is_said_is_a_policy_or_a_sentence(words: str):
    said = ""
    try:
        policy_of(words)
    except ValueError as error:
        said = str(error)
    assert not said or said.startswith("IOTASK_TARGETS")
