"""Ctrl-C and a notebook's stop button: what is up stays known."""

from __future__ import annotations

import os
import signal
import threading
import time
from typing import TYPE_CHECKING

import pandas as pd
import pytest
from doubles import RawServer, answering, reset_after, silent, stored

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from doubles import Talk

    from ikpipe import Account

pytestmark = pytest.mark.skipif(os.name != "posix", reason="signals of another kind")


def run(server: RawServer, account: Account) -> pd.DataFrame:
    """Upload four rows, one after the other."""
    there = ikpipe.Account(account.public_key, account.private_key, upload_url=server.url)
    frame = pd.DataFrame({"file": [b"1", b"2", b"3", b"4"]})
    return ikpipe.upload(frame, there, file_name="a", concurrency=1, progress=False)


def press(*waits: Callable[[], object], then: Callable[[], object] = bool) -> threading.Thread:
    """Press Ctrl-C after each wait, then do something."""

    def pressing() -> None:
        for wait in waits:
            wait()
            os.kill(os.getpid(), signal.SIGINT)
        then()

    thread = threading.Thread(target=pressing)
    thread.start()
    return thread


def test_one_ctrl_c_lets_what_is_in_flight_end(account: Account) -> None:
    """The row in flight gets its answer, the others are cancelled, and the whole frame comes back."""
    in_flight, pressed = threading.Event(), threading.Event()

    def slow(talk: Talk) -> None:
        in_flight.set()
        pressed.wait(10)
        answering(200, stored())(talk)

    with RawServer(slow) as server:
        thread = press(in_flight.wait, then=lambda: (time.sleep(0.3), pressed.set()))
        results = run(server, account)
        thread.join()
    assert results["ik_status"].tolist() == ["uploaded", "cancelled", "cancelled", "cancelled"]
    assert results.attrs["ikpipe"]["interrupted"] is True


def test_two_stop_at_once(account: Account) -> None:
    """The second one does not wait for an answer: the row in flight is in doubt, and the frame comes back."""
    in_flight = threading.Event()

    def quiet(talk: Talk) -> None:
        in_flight.set()
        silent(talk)

    with RawServer(quiet) as server:
        thread = press(in_flight.wait, lambda: time.sleep(0.1))
        results = run(server, account)
        thread.join()
    assert results["ik_status"].tolist() == ["unknown", "cancelled", "cancelled", "cancelled"]


def test_waiting_for_another_attempt_is_cut_short(account: Account) -> None:
    """A row that waits for its next attempt does not hold a drained run up: its last refusal stands."""
    with RawServer(answering(429, {"message": "Later."}, "X-RateLimit-Reset: 60000")) as server:
        thread = press(lambda: (wait_for(lambda: server.requests), time.sleep(0.1)))
        results = run(server, account)
        thread.join()
    assert results["ik_error"].tolist() == ["rate_limited", "cancelled", "cancelled", "cancelled"]


def test_a_stop_while_it_is_looked_for_leaves_doubt(account: Account) -> None:
    """The refusal of a spent token says nothing of the file: stopped before the library answers, the row is unknown."""
    spent = answering(400, {"message": "Your request has invalid token."})
    with RawServer(silent) as library, RawServer(reset_after, spent) as server:
        there = ikpipe.Account(account.public_key, account.private_key, upload_url=server.url, api_url=library.url)
        thread = press(lambda: wait_for(lambda: library.requests), lambda: time.sleep(0.1))
        results = ikpipe.upload(pd.DataFrame({"file": [b"1"]}), there, file_name="a", progress=False)
        thread.join()
    assert (len(server.requests), results["ik_status"].tolist()) == (2, ["unknown"])
    assert results["ik_file_path"][0].startswith("/a_")


def wait_for(condition: Callable[[], object]) -> None:
    """Wait until something holds."""
    while not condition():
        time.sleep(0.005)
