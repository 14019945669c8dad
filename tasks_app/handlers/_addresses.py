"""Classes of addresses: what is public, what is cloud metadata, what is this machine, and which addresses an address carries.

The networks are those of IANA's special-purpose registries, written out: `ipaddress.is_global` differs between versions of Python.
"""

from __future__ import annotations

import errno
import socket
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_NOT_PUBLIC_4 = tuple(
    IPv4Network(text)
    for text in (
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.0.2.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "198.51.100.0/24",
        "203.0.113.0/24",
        "224.0.0.0/4",
        "240.0.0.0/4",
    )
)
_PUBLIC_6 = (IPv6Network("2000::/3"), IPv6Network("64:ff9b::/96"))
_NOT_PUBLIC_6 = (
    *IPv6Network("2001::/23").address_exclude(IPv6Network("2001::/32")),  # of protocols, except Teredo, which is judged by what it carries
    IPv6Network("2001:db8::/32"),
    IPv6Network("3fff::/20"),
)
_METADATA: tuple[Network, ...] = (
    IPv4Network("169.254.169.0/24"),  # nearly every cloud
    IPv4Network("169.254.170.0/24"),  # containers at AWS
    IPv4Network("169.254.0.23/32"),  # Tencent
    IPv4Network("169.254.42.42/32"),  # Scaleway
    IPv4Network("100.100.100.200/32"),  # Alibaba
    IPv4Network("168.63.129.16/32"),  # Azure
    IPv4Network("192.0.0.192/32"),  # Oracle
    IPv6Network("fd00:ec2::/32"),  # AWS
    IPv6Network("fd20:ce::254/128"),  # Google
    IPv6Network("fd00:42::42/128"),  # Scaleway
    IPv6Network("fe80::a9fe:a9fe/128"),  # OpenStack
)
_LOW_32 = tuple(map(IPv6Network, ("::/96", "::ffff:0:0:0/96", "64:ff9b::/96", "64:ff9b:1::/48")))
_ISATAP = (0x0000_5EFE, 0x0200_5EFE)
_NOBODYS = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT, errno.EINVAL)


def address_of(text: str) -> Address | None:
    """The address that `text` is, without its zone and out of its IPv4-mapped form; None for anything else."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        plain = IPv6Address(int(address))  # the zone says through which interface, not to whom
        return plain.ipv4_mapped or plain
    return address


def carried(address: Address) -> tuple[Address, ...]:
    """The address itself and each IPv4 address within it, where somebody on the way may take that out and send there.

    6to4, Teredo, NAT64 (RFC 6052 and 8215), IPv4-compatible, IPv4-translated, ISATAP.
    """
    if isinstance(address, IPv4Address):
        return (address,)
    inner = [address.sixtofour] if address.sixtofour else []
    inner += address.teredo or ()
    if any(address in network for network in _LOW_32) or int(address) >> 32 & 0xFFFF_FFFF in _ISATAP:
        inner.append(IPv4Address(int(address) & 0xFFFF_FFFF))
    return (address, *inner)


def is_public(address: Address) -> bool:
    """Whether it, and all it carries, belongs to the Internet at large."""
    return all(map(_is_public, carried(address)))


def is_metadata(address: Address) -> bool:
    """Whether a cloud tells its machines their secrets there."""
    return any(one in network for one in carried(address) for network in _METADATA)


def is_here(address: Address) -> bool:
    """Whether whoever dials it reaches this machine. In doubt it does."""
    return any(one.is_loopback or one.is_unspecified or _can_be_bound(one) for one in carried(address))


def _is_public(address: Address) -> bool:
    if isinstance(address, IPv4Address):
        return not any(address in network for network in _NOT_PUBLIC_4)
    return any(address in network for network in _PUBLIC_6) and not any(address in network for network in _NOT_PUBLIC_6)


def _can_be_bound(address: Address) -> bool:
    """The kernel knows which addresses are its own; to ask it, nothing is sent."""
    try:
        with socket.socket(socket.AF_INET if address.version == 4 else socket.AF_INET6, socket.SOCK_DGRAM) as asking:
            asking.bind((str(address), 0))
    except OSError as error:
        return error.errno not in _NOBODYS
    return True
