"""How many sockets may be open."""

from __future__ import annotations

import pytest

from tasks_app.auth.principal import NOBODY_ASKED, Principal, Role, Via
from tasks_app.live.seats import USUAL, Crowded, Full, Seats

MIRA = Principal("mira", Role.VIEWER, Via.PASSWORD, "1")
MIRA_ELSEWHERE = Principal("mira", Role.VIEWER, Via.PASSWORD, "2")
ANTON = Principal("anton", Role.VIEWER, Via.PASSWORD, "3")
SCRIPT = Principal("mira", Role.VIEWER, Via.TOKEN, "4")


def test_one_person_has_so_many_whatever_his_sessions_and_others_have_theirs():
    seats = Seats(most=100, each=2)
    first = seats.take(MIRA, "192.0.2.1")
    seats.take(MIRA_ELSEWHERE, "192.0.2.2")
    with pytest.raises(Crowded):
        seats.take(MIRA, "192.0.2.3")
    seats.take(ANTON, "192.0.2.1")
    seats.take(SCRIPT, "192.0.2.1")
    seats.give_back(first)
    seats.take(MIRA, "192.0.2.3")
    assert len(seats) == 4


def test_all_together_have_a_bound_that_comes_first():
    seats = Seats(most=1, each=1)
    who = seats.take(MIRA, "")
    for principal in (MIRA, ANTON):
        with pytest.raises(Full):
            seats.take(principal, "")
    seats.give_back(who)
    assert seats.take(ANTON, "")


def test_where_nobody_logs_in_an_address_is_a_person_and_this_machine_has_no_bound_unless_one_is_set():
    seats = Seats(most=1000, each=None)
    for _ in range(USUAL):
        seats.take(NOBODY_ASKED, "192.0.2.1")
        seats.take(NOBODY_ASKED, "127.0.0.1")
    with pytest.raises(Crowded):
        seats.take(NOBODY_ASKED, "192.0.2.1")
    seats.take(NOBODY_ASKED, "192.0.2.2")
    seats.take(NOBODY_ASKED, "127.0.0.1")
    bound = Seats(most=1000, each=1)
    bound.take(NOBODY_ASKED, "127.0.0.1")
    with pytest.raises(Crowded):
        bound.take(NOBODY_ASKED, "127.0.0.1")


def test_a_network_of_one_customer_is_one_address():
    seats = Seats(most=1000, each=None)
    for number in range(USUAL):
        seats.take(NOBODY_ASKED, f"2001:db8::{number:x}")
    with pytest.raises(Crowded):
        seats.take(NOBODY_ASKED, "2001:db8::ffff")
    seats.take(NOBODY_ASKED, "2001:db8:0:1::1")
    for _ in range(USUAL + 1):
        seats.take(NOBODY_ASKED, "::1")


def test_somebody_who_is_gone_is_forgotten():
    seats = Seats(most=10, each=None)
    for number in range(50_000):
        seats.give_back(seats.take(NOBODY_ASKED, f"192.0.2.{number}"))
    assert len(seats._taken) == 0


def test_a_logged_in_person_on_this_machine_has_the_usual_bound():
    seats = Seats(most=1000, each=None)
    for _ in range(USUAL):
        seats.take(MIRA, "127.0.0.1")
    with pytest.raises(Crowded):
        seats.take(MIRA, "127.0.0.1")
