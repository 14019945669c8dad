"""Hosts and URLs as params: which are accepted, and how they are written."""

from __future__ import annotations

import errno
import re
from ipaddress import IPv6Address, ip_address
from socket import AF_INET, AF_INET6, AddressFamily
from typing import Annotated

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError
from yarl import URL

from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.sentences import kept

_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")
_NOT_IN_URL = re.compile(r"[\s\x00-\x20\x7f\\]")

_OUT_OF_SOCKETS = kept("This server has as many sockets and files open as it may")
_OURS = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})

Found = tuple[AddressFamily, str]


def literal(text: str) -> Found | None:
    """The address that `text` is, None for anything else. IPv6 zones ("fe80::1%eth0") are not accepted."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    if isinstance(address, IPv6Address):
        return None if address.scope_id else (AF_INET6, str(address))
    return AF_INET, str(address)


def is_name(text: str) -> bool:
    """Whether it may be a DNS name. One that ends in a number is none: resolvers read "127.1" or "0x7f000001" as an address."""
    labels = text.removesuffix(".").split(".")
    return len(text) <= 253 and all(map(_LABEL.fullmatch, labels)) and not _NUMBER.fullmatch(labels[-1])


def is_host(text: str) -> bool:
    """Whether it is a DNS name or an IP address."""
    return literal(text) is not None or is_name(text)


def with_port(host: str, port: int) -> str:
    """Host and port as they are written: IPv6 addresses in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def bare(url: str) -> str:
    """A URL without what may be private in it: the query and the fragment."""
    return url.partition("#")[0].partition("?")[0]


def _host(text: str) -> str:
    if is_host(text):
        return text
    raise PydanticCustomError(
        "host", "Not a host name or IP address: write it without scheme, port or path, such as example.com, 192.0.2.7 or 2001:db8::7"
    )


def _url(text: str) -> str:
    try:
        url = URL(text)
        fits = url.scheme in ("http", "https") and is_host(url.raw_host or "") and url.port != 0
    except ValueError:
        fits = False
    if not fits or _NOT_IN_URL.search(text):
        raise PydanticCustomError("url", "Not a URL: it begins with http:// or https://, then a host, such as https://example.com/health")
    if url.raw_user is not None or url.raw_password is not None:
        raise PydanticCustomError("url_credentials", "A URL with a user or password in it is not accepted")
    return text


Host = Annotated[str, Field(min_length=1, max_length=253), AfterValidator(_host)]
Url = Annotated[str, Field(max_length=2048, json_schema_extra={"pattern": "^https?://"}), AfterValidator(_url)]


def out_of_sockets(error: BaseException) -> TaskFailure | None:
    """The failure to end with when an error says that this server is at its limit, and nothing about the host."""
    if isinstance(error, OSError) and error.errno in _OURS:
        return TaskFailure(_OUT_OF_SOCKETS(), kind="OutOfSockets")
    return None
