"""Task type `dns_lookup`: asks a name server for the records of a name."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from ipaddress import ip_address
from time import perf_counter
from typing import Annotated, Any, Literal

import pycares
from aiodns import DNSResolver
from aiodns.error import ARES_ECONNREFUSED, ARES_ENODATA, ARES_ENOTFOUND, ARES_ETIMEOUT, DNSError
from pydantic import AfterValidator, Field, ValidationInfo
from pydantic_core import PydanticCustomError

from tasks_app.engine.context import Context
from tasks_app.engine.errors import TaskFailure
from tasks_app.engine.registry import Params, task_type
from tasks_app.engine.sentences import joined, kept, say
from tasks_app.handlers._egress import Passage
from tasks_app.handlers._hosts import Host, literal, with_port
from tasks_app.handlers._targets import Use
from tasks_app.handlers._words import milliseconds

MAX_TEXT = 4_000  # characters of one record
MAX_RECORDS_TEXT = 40_000  # bytes of all records that are kept

_ASKING = kept("Asking for {record} of {name}")
_FOUND = kept("{count:,} record in {time}", "{count:,} records in {time}")
_NO_NAME = kept("There is no name {name}")
_NOT_REACHABLE = kept("The name server is not reachable")
_NOT_ANSWERED = kept("The name server did not answer the question: {why}")
_NO_RECORD = kept("{name} has no {record} record")
_NO_ANSWER = kept("No name server answered within {seconds:g} s")

_VALUES: dict[str, Callable[[Any], str]] = {
    "A": lambda data: data.addr,
    "AAAA": lambda data: data.addr,
    "CNAME": lambda data: data.cname,
    "MX": lambda data: f"{data.priority} {data.exchange}",
    "NS": lambda data: data.nsdname,
    "TXT": lambda data: data.data.decode("utf-8", "replace"),
    "SOA": lambda data: f"{data.mname} {data.rname} {data.serial} {data.refresh} {data.retry} {data.expire} {data.minimum}",
    "PTR": lambda data: data.dname,
}
_TYPES = {getattr(pycares, f"QUERY_TYPE_{name}"): name for name in _VALUES}


_SERVER = re.compile(
    r"\[(?P<six>[0-9A-Fa-f:.]+)\](:(?P<port6>[0-9]{1,5}))?|(?P<four>[0-9.]+)(:(?P<port4>[0-9]{1,5}))?|(?P<bare>[0-9A-Fa-f:.]+)"
)


def _split(server: str) -> tuple[str, int] | None:
    """Address and port of a name server, None for what is neither `ip`, `ip:port` nor `[ipv6]:port`."""
    found = _SERVER.fullmatch(server)
    if found is None:
        return None
    address = literal(found["six"] or found["four"] or found["bare"])
    port = int(found["port6"] or found["port4"] or 53)
    return (address[1], port) if address and 1 <= port <= 65_535 else None


def _server(text: str) -> str:
    if _split(text) is None:
        raise PydanticCustomError("server", "Not a name server: an IP address, or with its port 192.0.2.53:5353 or [2001:db8::53]:5353")
    return text


def _fits(record: str, info: ValidationInfo) -> str:
    if record != "PTR" and literal(info.data.get("name", "")):
        raise PydanticCustomError("record", "An IP address has PTR records only")
    return record


class DnsLookupParams(Params):
    """Which records of which name, and who is asked."""

    name: Host = Field(description="Name to look up; for PTR also an IP address")
    record: Annotated[Literal["A", "AAAA", "CNAME", "MX", "NS", "TXT", "SOA", "PTR"], AfterValidator(_fits)] = Field(
        "A", validate_default=True, description="Type of the records"
    )
    server: Annotated[str, AfterValidator(_server)] | None = Field(
        None, max_length=60, description="Name server that is asked, as ip or ip:port; left out: the ones of this system"
    )
    timeout: float = Field(5.0, ge=0.1, le=60, description="Seconds after which no answer is waited for any more")

    def summary(self) -> str:
        """The name, the type, the server."""
        return joined(" · ", (self.name, self.record, *((say("asks {server}", server=self.server),) if self.server else ())))


def headline(result: dict[str, Any]) -> tuple[str, str]:
    """Two lines for a finished row."""
    first, others = result["records"][0]["value"], result["count"] - 1
    first = first if len(first) <= 60 else first[:59] + "…"
    first = say("{first} and {others:,} more", first=first, others=others) if others else first
    return first, say("TTL {ttl:,} s, answered in {time}", ttl=result["ttl"], time=milliseconds(result["ms"]))


# Each lookup has a c-ares channel of its own, and with it a thread and an inotify watch, of which a user has 128 by default.
@task_type("dns_lookup", params=DnsLookupParams, title="DNS lookup", concurrency=50, idempotent=True, headline=headline)
async def dns_lookup(params: DnsLookupParams, context: Context) -> dict[str, Any]:
    """Asks a name server for the records of a name. Fails when the name does not exist or has no such record."""
    asked = literal(params.name)
    name = ip_address(asked[1]).reverse_pointer if asked else params.name
    context.progress(message=_ASKING(record=params.record, name=name))
    began = perf_counter()
    records = await _records(name, params, context.by)
    took = round((perf_counter() - began) * 1000, 3)
    context.measure("Answer time", took, "ms")
    found = [record for record in records if record["type"] == params.record]
    if not found:
        raise _no_records(name, params)
    context.log(_FOUND(count=len(found), time=milliseconds(took)))
    return {
        "name": name,
        "record": params.record,
        "server": params.server,
        "count": len(found),
        "ttl": min(record["ttl"] for record in found),
        "ms": took,
        "records": _bounded(found),
        "aliases": [record["value"] for record in records if record["type"] == "CNAME" != params.record][:20],
    }


async def _records(name: str, params: DnsLookupParams, by: str) -> list[dict[str, Any]]:
    server = _split(params.server) if params.server else None
    if server:
        await Passage(Use.DNS, by).addresses(*server)
    resolver = DNSResolver(
        [with_port(*server)] if server else None, timeout=params.timeout / 3, tries=2
    )  # the second try waits twice as long
    try:
        async with asyncio.timeout(params.timeout):
            result = await resolver.query_dns(name, params.record)
    except TimeoutError:
        raise _no_answer(params) from None
    except DNSError as error:
        raise _failure(error, name, params) from None
    finally:
        await resolver.close()
    return [
        {"name": record.name, "type": _TYPES[record.type], "ttl": record.ttl, "value": _text(record)}
        for record in result.answer
        if record.type in _TYPES
    ]


def _text(record: pycares.DNSRecord) -> str:
    text = _VALUES[_TYPES[record.type]](record.data)[:MAX_TEXT]
    return "".join(char if char.isprintable() else "\ufffd" for char in text)


def _bounded(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """As many of the records as a result can hold."""
    kept: list[dict[str, Any]] = []
    length = 0
    for record in records:
        length += len(record["value"].encode()) + len(record["name"]) + 60
        if kept and length > MAX_RECORDS_TEXT:
            break
        kept.append(record)
    return kept


def _failure(error: DNSError, name: str, params: DnsLookupParams) -> TaskFailure:
    code = error.args[0]
    if code == ARES_ENOTFOUND:
        return TaskFailure(_NO_NAME(name=name), kind="NameNotFound")
    if code == ARES_ENODATA:
        return _no_records(name, params)
    if code == ARES_ETIMEOUT:
        return _no_answer(params)
    if code == ARES_ECONNREFUSED:
        return TaskFailure(_NOT_REACHABLE(), kind="Unreachable")
    return TaskFailure(_NOT_ANSWERED(why=error.args[1]), kind="LookupFailed")


def _no_records(name: str, params: DnsLookupParams) -> TaskFailure:
    return TaskFailure(_NO_RECORD(name=name, record=params.record), kind="NoRecords")


def _no_answer(params: DnsLookupParams) -> TaskFailure:
    return TaskFailure(_NO_ANSWER(seconds=params.timeout), kind="Timeout")
