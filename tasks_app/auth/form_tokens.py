"""What proves a form to be from one of our pages where no session of ours keeps a secret: a cookie, signed for whoever it was given to.

This is the signed double submit of OWASP's Cross-Site Request Forgery Prevention Cheat Sheet. The secret has the form that Django's
check expects. Its second half is an HMAC of its first half and of who asks: a pair of cookie and field that somebody made up, or
that was given to somebody else, is worth nothing, even where another host of the site can set cookies for this one.
"""

from __future__ import annotations

import base64
import hmac
import secrets
from typing import Any

from django.http.response import HttpResponseBase
from django.utils.crypto import salted_hmac

from tasks_app.auth import forwarded
from tasks_app.auth.principal import Principal
from tasks_app.conf import csrf_cookie

COOKIE = "iotask-form"  # not Django's: a project in which we are mounted has that for its own forms
SECURE_COOKIE = "__Host-iotask-form"  # a browser takes it over https alone, from this host alone
HALF = 16  # characters: 64 bits that were drawn, and 80 of the signature
_SALT = "tasks_app.auth.form_tokens"


def new_secret(who: Principal | None) -> str:
    """One for this person; None: for whoever is not logged in."""
    drawn = secrets.token_hex(HALF // 2)
    return drawn + _signature(drawn, who)


def is_for(secret: str, who: Principal | None) -> bool:
    """Whether it was given to this person, by a process with our secret key."""
    drawn, signature = secret[:HALF], secret[HALF:]
    return len(drawn) == HALF and hmac.compare_digest(signature.encode(), _signature(drawn, who).encode())


def expect(request: Any, secret: str | None) -> None:
    """Have Django hold the request's form against this secret, whatever its own cookie says; None: none is right."""
    request.COOKIES.pop(csrf_cookie(), None)
    if secret is not None:
        request.META["CSRF_COOKIE"] = request.COOKIES[csrf_cookie()] = secret


def expect_signed(request: Any) -> None:
    """Have Django hold the request's form against the secret of its cookie, if that was given to whoever asks; pages get a new one else."""
    given, who = request.COOKIES.get(_name(request), ""), request.principal
    if is_for(given, who):
        expect(request, given)
    else:
        expect(request, None)
        request.META["CSRF_COOKIE"] = new_secret(who)


def hand_out(request: Any, response: HttpResponseBase) -> None:
    """Put the secret that a page was made with into our cookie instead of Django's. One that a session keeps needs none."""
    made = response.cookies.pop(csrf_cookie(), None)
    if made is not None and is_for(made.value, request.principal):
        age = int(made["max-age"]) if made["max-age"] else None
        response.set_cookie(_name(request), made.value, max_age=age, httponly=True, samesite="Strict")


def _name(request: Any) -> str:
    return SECURE_COOKIE if forwarded.is_secure(request.scope) else COOKIE


def _signature(drawn: str, who: Principal | None) -> str:
    asked = "nobody" if who is None else f"{who.via} {who.session} {who.name}"
    digest = salted_hmac(_SALT, f"{drawn} {asked}", algorithm="sha256").digest()
    return base64.b32encode(digest)[:HALF].decode()
