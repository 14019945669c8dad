"""Short texts of records that are no sentences of ours: roles, kinds of failures, names of curves, and what the operating system, c-ares
and Python's reader of JSON say. A page says them in its language; to programs they are what they are."""

from __future__ import annotations

from tasks_app.engine.sentences import kept

ROLES = (kept("viewer"), kept("operator"), kept("admin"))

KINDS = (  # of failures: of the task types that come with this, and of the engine
    kept("Abandoned"),
    kept("BadAnswer"),
    kept("BadRedirect"),
    kept("Cancelled"),
    kept("CannotRun"),
    kept("ChecksumMismatch"),
    kept("Error"),
    kept("Failed"),
    kept("Interrupted"),
    kept("InvalidCertificate"),
    kept("LookupFailed"),
    kept("NameNotFound"),
    kept("NoRecords"),
    kept("NotConfigured"),
    kept("NotSaved"),
    kept("OutOfSockets"),
    kept("Timeout"),
    kept("TlsFailed"),
    kept("TooLarge"),
    kept("TooManyDials"),
    kept("TooSlow"),
    kept("Truncated"),
    kept("UnexpectedStatus"),
    kept("Unreachable"),
    kept("WorkerDied"),
    kept("blocked_address"),
    kept("result_not_json"),
    kept("result_too_large"),
)

CURVES = (  # what the types that come with this measure, and in which units
    kept("Answer time"),
    kept("Response time"),
    kept("Round-trip"),
    kept("Speed"),
    kept("MB/s"),
    kept("ms"),
)

SYSTEM = (  # as strerror says them, in small letters
    kept("address already in use"),
    kept("broken pipe"),
    kept("cannot assign requested address"),
    kept("connection refused"),
    kept("connection reset by peer"),
    kept("connection timed out"),
    kept("disk quota exceeded"),
    kept("file name too long"),
    kept("host is down"),
    kept("input/output error"),
    kept("invalid argument"),
    kept("is a directory"),
    kept("network is down"),
    kept("network is unreachable"),
    kept("no route to host"),
    kept("no space left on device"),
    kept("no such file or directory"),
    kept("not a directory"),
    kept("operation not permitted"),
    kept("permission denied"),
    kept("read-only file system"),
)

LOOKUPS = (  # as c-ares says them
    kept("Could not contact DNS servers"),
    kept("DNS server claims query was misformatted"),
    kept("DNS server returned answer with no data"),
    kept("DNS server returned general failure"),
    kept("DNS server does not implement requested operation"),
    kept("DNS server refused query"),
    kept("Domain name not found"),
    kept("Misformatted DNS query"),
    kept("Misformatted DNS reply"),
    kept("Misformatted domain name"),
    kept("Timeout while contacting DNS servers"),
)

JSON = (
    kept("Expecting value"),
    kept("Expecting ',' delimiter"),
    kept("Expecting ':' delimiter"),
    kept("Expecting property name enclosed in double quotes"),
    kept("Extra data"),
    kept("Illegal trailing comma before end of array"),
    kept("Illegal trailing comma before end of object"),
    kept("Invalid \\escape"),
    kept("Invalid \\uXXXX escape"),
    kept("Invalid control character at"),
    kept("Unterminated string starting at"),
    kept("nested too deeply"),
    kept("{word} is not a number JSON has"),
)
