"""Which hosts this machine may open when a table names them."""

from __future__ import annotations

import socket
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe import MappingError
from ikpipe.service.public_hosts import FetchHosts, embedded, is_public, literal

NOT_PUBLIC = {
    "loopback": "127.0.0.1 127.255.255.254 ::1",
    "private": "10.0.0.1 172.16.0.1 172.31.255.255 192.168.1.1 fc00::1 fd00:ec2::254",
    "link-local": "169.254.169.254 fe80::1",
    "unspecified": "0.0.0.0 0.1.2.3 ::",
    "multicast": "224.0.0.1 239.255.255.250 ff02::1 ff0e::1",
    "reserved": "240.0.0.1 255.255.255.255 192.0.0.8 192.0.2.1 198.18.0.1 203.0.113.9 2001:db8::1 100::1",
    "shared": "100.64.0.1 100.100.100.200",
    "site-local": "fec0::1",
    "a cloud's own": "168.63.129.16",
    "IPv4-mapped": "::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254",
    "IPv4-compatible": "::127.0.0.1 ::10.0.0.1",
    "IPv4-translated": "::ffff:0:127.0.0.1",
    "6to4": "2002:7f00:1:: 2002:a00:1::1 2002:c0a8:101::",
    "NAT64": "64:ff9b::127.0.0.1 64:ff9b::a00:1 64:ff9b:1::808:808",
    "Teredo": "2001:0:4136:e378:8000:63bf:80ff:fffe",
    "ISATAP": "2a00::5efe:127.0.0.1 2a00::200:5efe:10.0.0.1",
}
PUBLIC = "8.8.8.8 1.1.1.1 93.184.216.34 2606:4700::1111 ::ffff:8.8.8.8 64:ff9b::8.8.8.8 2002:808:808::1"


@pytest.mark.parametrize("text", [one for texts in NOT_PUBLIC.values() for one in texts.split()])
def test_addresses_that_are_not_public(text: str) -> None:
    """Nor are those that lead to one by translation."""
    assert not is_public(ip_address(text))


@pytest.mark.parametrize("text", PUBLIC.split())
def test_addresses_that_are_public(text: str) -> None:
    """So are those that lead to one by translation."""
    assert is_public(ip_address(text))


@given(st.ip_addresses(v=4))
def test_translation_changes_nothing(address: IPv4Address) -> None:
    """An IPv4 address is as public inside any IPv6 address as it is by itself."""
    for prefix in ("::ffff:0:0", "64:ff9b::"):
        assert is_public(IPv6Address(int(ip_address(prefix)) + int(address))) == is_public(address)
    assert embedded(IPv6Address(0x2002 << 112 | int(address) << 80 | 1)) == address


spellings = st.lists(
    st.builds("{}{}".format, st.sampled_from(["", "0x", "0", "0X"]), st.integers(0, 300).map(str)), max_size=5
).map(".".join) | st.integers(0, 1 << 33).flatmap(lambda n: st.sampled_from([str(n), hex(n), f"0{n:o}"]))


@given(spellings | st.ip_addresses(v=4).map(str))
def test_old_spellings_are_read_as_the_system_reads_them(text: str) -> None:
    """Decimal, octal and hexadecimal numbers are the address that a connection would go to."""
    try:
        expected = IPv4Address(socket.inet_aton(text))
    except OSError:
        expected = None
    assert literal(text) == expected


@pytest.mark.parametrize("host", ["a.example", "xn--80ak6aa92e.com", "127.0.0.1.example", "1.2.3.4.5", "0xg", "", "."])
def test_names_are_no_addresses(host: str) -> None:
    """What a resolver has to be asked for."""
    assert literal(host) is None


@pytest.mark.parametrize(
    ("entry", "host", "port", "address"),
    [
        ("intranet.example.com", "Intranet.Example.Com.", 80, "10.1.2.3"),
        ("büro.example", "xn--bro-hoa.example", 443, "10.1.2.3"),
        ("10.0.0.0/8", "anything", 80, "10.255.0.1"),
        ("10.0.0.0/8", "anything", 80, "::ffff:10.255.0.1"),
        ("127.0.0.1", "localhost", 8080, "127.0.0.1"),
        ("127.0.0.1:8080", "localhost", 8080, "127.0.0.1"),
        ("localhost:8080", "localhost", 8080, "::1"),
        ("[::1]:8080", "localhost", 8080, "::1"),
        ("::1", "[::1]", 80, "::1"),
        ("fd00::/8", "nas", 80, "fd00::9"),
        ("0x7f.1", "localhost", 80, "127.0.0.1"),
    ],
)
def test_what_an_entry_allows(entry: str, host: str, port: int, address: str) -> None:
    """A host by its name, an address or a network by the address; and only what it says."""
    assert FetchHosts.read([entry]).allows(host, port, ip_address(address))
    assert not FetchHosts.read([entry]).allows("other.example", port, ip_address("192.168.7.7"))
    assert not FetchHosts().allows(host, port, ip_address(address))


def test_a_port_allows_no_other_port() -> None:
    """`host:port` is about this port alone."""
    assert not FetchHosts.read(["127.0.0.1:8080"]).allows("localhost", 22, ip_address("127.0.0.1"))


def test_a_name_allows_no_domain_below_it() -> None:
    """Nor the domain above it."""
    hosts = FetchHosts.read(["nas.example"])
    assert not hosts.allows("a.nas.example", 80, ip_address("10.0.0.1"))
    assert not hosts.allows("example", 80, ip_address("10.0.0.1"))


@pytest.mark.parametrize("given_", [["http://a.example"], ["10.0.0.1/8"], ["a b"], [""], "a.example", [1], ["a:99999"]])
def test_entries_that_are_none(given_: object) -> None:
    """A URL, a network with bits behind its mask, or text in the place of a list: an error that says how."""
    with pytest.raises(MappingError, match="fetch_hosts"):
        FetchHosts.read(given_)  # type: ignore[arg-type]
