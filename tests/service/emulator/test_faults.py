"""Injected faults: what a client sees, and what is stored."""

from __future__ import annotations

import re
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from emulator_client import Client, Clock, picture, refused

from ikpipe.emulator.faults import KINDS, Faults

if TYPE_CHECKING:
    from collections.abc import Callable

    Start = Callable[..., Client]


MOMENTS = [(kind, moment) for kind, known in KINDS.items() for moment in known.moments]
NOT_USED = {"never", "answered"}
USED = (400, "Your request has invalid token.")


@pytest.mark.parametrize("rates", [{"explode": 0.5}, {"slow": 1.5}, {"slow": -0.1}], ids=str)
def test_fault_that_can_not_be(start: Start, rates: dict[str, float]) -> None:
    """An unknown kind or an invalid probability is an error."""
    with pytest.raises(ValueError, match=next(iter(rates))):
        start(faults=rates)


def test_same_seed_same_faults() -> None:
    """A seed makes a run repeatable, and an additional kind does not change the others."""
    alone = Faults({"slow": 0.5}, seed=7)
    again = Faults({"slow": 0.5, "non-json": 0.5}, seed=7)
    other = Faults({"slow": 0.5}, seed=8)
    draws = [[faults.draw() == "slow" for _ in range(50)] for faults in (alone, again, other)]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_rate_is_about_the_share() -> None:
    """A rate of 0.2 fires in about a fifth of the uploads."""
    faults = Faults({"429": 0.2})
    assert 150 < sum(faults.draw() is not None for _ in range(1000)) < 250


@pytest.mark.parametrize("file", [b"small", b"x" * 3_000_000], ids=["small", "large"])
@pytest.mark.parametrize(
    ("kind", "stored"),
    [("reset-before", False), ("reset-middle", False), ("reset-after", False), ("store-then-cut", True)],
)
def test_connection_is_reset(start: Start, kind: str, file: bytes, *, stored: bool) -> None:
    """The client gets no response, and the kind says whether the file is stored."""
    client = start(faults={kind: 1})
    with pytest.raises(httpx.TransportError):
        client.upload(file)
    entry = client.emulator.log()[0]
    assert (entry["faults"], entry["stored"], entry["status"]) == ([kind], stored, None)
    assert len(client.api("GET", "/v1/files").json()) == stored


@pytest.mark.parametrize("kind", ["reset-before", "reset-middle", "reset-after", "store-then-cut", "cut-answer"])
def test_reset_is_no_complaint(start: Start, kind: str, caplog: pytest.LogCaptureFixture) -> None:
    """The web server does not report a missing response."""
    client = start(faults={kind: 1})
    with pytest.raises(httpx.TransportError):
        client.upload()
    client.emulator.__exit__()
    assert caplog.messages == []


def test_connection_is_refused(start: Start) -> None:
    """A refused connection is counted, but not logged."""
    client = start(faults={"refuse": 1})
    for _ in range(2):
        with pytest.raises(httpx.TransportError):
            client.upload()
    assert client.emulator.log() == []
    assert client.emulator.fired == {"refuse": 2}


def test_429_asks_for_milliseconds(start: Start) -> None:
    """A 429 has the milliseconds to wait in a header, and leaves the token usable."""
    client = start(faults={"429": 1}, fault_wait=30)
    reply = client.upload()
    assert (reply.status_code, reply.headers["X-RateLimit-Reset"]) == (429, "30")
    assert client.emulator.log()[0]["faults"] == ["429"]


def test_5xx_is_one_of_four(start: Start) -> None:
    """All four statuses occur, with an empty body, and nothing is stored."""
    client = start(faults={"5xx": 1})
    replies = [client.upload() for _ in range(30)]
    assert {reply.status_code for reply in replies} == {500, 502, 503, 504}
    assert {reply.content for reply in replies} == {b""}
    assert client.api("GET", "/v1/files").json() == []


def test_5xx_of_a_stored_file(start: Start) -> None:
    """All four statuses occur, with an empty body, although every file is stored."""
    client = start(faults={"store-then-5xx": 1})
    replies = [client.upload() for _ in range(30)]
    assert {reply.status_code for reply in replies} == {500, 502, 503, 504}
    assert {reply.content for reply in replies} == {b""}
    assert [entry["status"] for entry in client.emulator.log()] == [reply.status_code for reply in replies]
    assert len(client.api("GET", "/v1/files").json()) == 30


def test_reset_in_the_middle_of_the_answer(start: Start) -> None:
    """The headers and half of the JSON are sent, and then the connection is reset."""
    client = start(faults={"cut-answer": 1})
    fields = {"fileName": "file.bin"}
    form = {**fields, "token": client.token(fields)}
    chunks: list[bytes] = []
    with client.http.stream("POST", client.emulator.upload_url, data=form, files={"file": ("a", b"some")}) as reply:  # noqa: SIM117 - it begins well
        with pytest.raises(httpx.TransportError):
            chunks.extend(reply.iter_raw())
    received = b"".join(chunks)
    assert (reply.status_code, received[:11]) == (200, b'{"fileId":"')
    assert len(received) == int(reply.headers["content-length"]) // 2
    assert client.emulator.log()[0]["stored"]


def test_slow_is_slow(start: Start) -> None:
    """The response is the normal one, but delayed."""
    client = start(faults={"slow": 1}, fault_slow=0.1)
    began = time.perf_counter()
    assert client.upload().status_code == 200
    assert 0.1 <= time.perf_counter() - began < 30


def test_truncated_json(start: Start) -> None:
    """The file is stored, and the response is a 200 with truncated JSON."""
    client = start(faults={"truncated": 1})
    reply = client.upload()
    assert (reply.status_code, reply.text[:11]) == (200, '{"fileId":"')
    with pytest.raises(ValueError, match=r"line 1 column"):
        reply.json()
    assert client.emulator.log()[0]["stored"]


def test_html_instead_of_json(start: Start) -> None:
    """The file is stored, and the response is a 200 with HTML."""
    reply = (client := start(faults={"non-json": 1})).upload()
    assert (reply.status_code, reply.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert client.emulator.log()[0]["stored"]


def test_answer_of_a_refusal_is_left_alone(start: Start) -> None:
    """Faults after storing do not affect an error response, and are neither logged nor counted for it."""
    client = start(faults={"store-then-cut": 1})
    assert client.upload(None).status_code == 400
    assert client.emulator.log()[0]["faults"] == []
    assert client.emulator.fired == {}


def test_index_delay(start: Start) -> None:
    """The file has its details at once, and appears in lists later."""
    client = start(faults={"index-delay": 1}, fault_index_delay=0.1, clock=(clock := Clock()))
    file_id = client.upload(picture(), fileName="a.jpg").json()["fileId"]
    assert client.api("GET", "/v1/files").json() == []
    assert client.details(file_id)["fileId"] == file_id
    clock.go_on(0.11)
    assert len(client.api("GET", "/v1/files").json()) == 1


def test_upload_without_a_fault_passes(start: Start) -> None:
    """With a rate of 0, no fault fires."""
    client = start(faults={"5xx": 0})
    assert client.upload().status_code == 200
    assert client.emulator.log()[0]["faults"] == []


# How often they fired


def test_what_the_log_has_is_counted(start: Start) -> None:
    """The counts of all kinds match the log, except for refused connections."""
    client = start(faults={"5xx": 0.3, "429": 0.3, "truncated": 0.3, "slow": 0.3}, fault_slow=0.0)
    for _ in range(40):
        client.upload()
    logged = [fault for entry in client.emulator.log() for fault in entry["faults"]]
    assert client.emulator.fired == {kind: logged.count(kind) for kind in ("5xx", "429", "truncated", "slow")}


def test_ledger_is_served(start: Start) -> None:
    """`GET /emulator/faults` returns rate, moment and count of each kind that has a rate, and is not logged."""
    client = start(faults={"5xx": 1, "slow": 0}, spends={"5xx": "received", "429": "received"})
    client.upload()
    told = client.http.get(client.emulator.url + "/emulator/faults").json()
    assert told == {
        "5xx": {"rate": 1, "spends": "received", "fired": 1},
        "slow": {"rate": 0, "spends": "stored", "fired": 0},
    }
    assert len(client.emulator.log()) == 1


def test_counts_are_a_copy() -> None:
    """`fired` returns a copy."""
    faults = Faults({"slow": 1})
    faults.fired["slow"] += 1
    assert faults.fired == {}


def test_threads_count_together() -> None:
    """No count is lost if several threads count at once."""
    faults = Faults({"slow": 1})
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: faults.count("slow"), range(8000)))
    assert faults.fired == {"slow": 8000}


# When the token is spent


@pytest.mark.parametrize(
    ("spends", "words"),
    [
        ({"explode": "never"}, "Unknown fault 'explode'"),
        ({"reset-before": "received"}, "The fault 'reset-before' can spend the token 'never', not 'received'"),
        ({"5xx": "stored"}, "The fault '5xx' can spend the token 'never' or 'received', not 'stored'"),
        ({"non-json": "never"}, "The fault 'non-json' can spend the token 'stored' or 'answered', not 'never'"),
        ({"slow": "later"}, "The fault 'slow' can spend the token 'stored', not 'later'"),
    ],
    ids=str,
)
def test_moment_that_can_not_be(spends: dict[str, str], words: str) -> None:
    """A moment that the kind does not have is an error that lists the valid ones."""
    with pytest.raises(ValueError, match=re.escape(words)):
        Faults(spends=spends)


@pytest.mark.parametrize(("kind", "moment"), MOMENTS)
def test_token_is_used_up_or_not(start: Start, kind: str, moment: str) -> None:
    """After the fault, the same token is accepted or rejected, as its moment says."""
    client = start(faults={kind: 1}, spends={kind: moment}, fault_slow=0.0)
    token = client.token({"fileName": "file.bin"})
    with suppress(httpx.TransportError):
        client.upload(token=token)
    client.emulator.faults.rates[kind] = 0
    again = client.upload(token=token)
    assert again.status_code == 200 if moment in NOT_USED else refused(again) == USED
    assert client.emulator.fired == {kind: 1}


@pytest.mark.parametrize(("kind", "moment"), MOMENTS)
def test_file_is_stored_or_not(start: Start, kind: str, moment: str) -> None:
    """The moment does not change whether the file is stored."""
    client = start(faults={kind: 1}, spends={kind: moment}, fault_slow=0.0, fault_index_delay=0.0)
    with suppress(httpx.TransportError):
        client.upload()
    client.emulator.faults.rates[kind] = 0
    assert len(client.api("GET", "/v1/files").json()) == (moment in {"stored", "answered"})


@pytest.mark.parametrize("kind", ["429", "5xx", "reset-after"])
def test_used_token_is_refused_before_the_fault(start: Start, kind: str) -> None:
    """If a fault spends the token, its second use is rejected without another fault."""
    client = start(faults={kind: 1}, spends={kind: "received"})
    token = client.token({"fileName": "file.bin"})
    with suppress(httpx.TransportError):
        client.upload(token=token)
    assert refused(client.upload(token=token)) == USED
    assert [entry["faults"] for entry in client.emulator.log()] == [[kind], []]


def test_token_that_is_no_good_is_refused_before_the_fault(start: Start) -> None:
    """An invalid token is rejected before the fault."""
    client = start(faults={"5xx": 1}, spends={"5xx": "received"})
    assert refused(client.upload(token="no.good.token")) == USED
    assert client.emulator.fired == {}


def test_fault_spends_though_refusals_do_not(start: Start) -> None:
    """The moment of a fault applies even if rejected requests leave their token unused."""
    client = start(faults={"5xx": 1}, spends={"5xx": "received"}, error_spends=False)
    token = client.token({"fileName": "file.bin"})
    statuses = [client.upload(token=token).status_code for _ in range(2)]
    assert (statuses[0] >= 500, statuses[1]) == (True, 400)


def test_reset_that_spends_looks_like_any_other(start: Start) -> None:
    """The connection is reset and logged, as if the token were unused."""
    client = start(faults={"reset-after": 1}, spends={"reset-after": "received"})
    with pytest.raises(httpx.TransportError):
        client.upload()
    entry = client.emulator.log()[0]
    assert (entry["status"], entry["stored"], entry["message"]) == (None, False, "interrupted")


def test_url_is_not_fetched_for_a_fault(start: Start) -> None:
    """A fault that stores nothing fires before a URL is downloaded."""
    client = start(faults={"5xx": 1}, spends={"5xx": "received"})
    assert client.upload("http://127.0.0.1:1/").status_code >= 500


def test_stored_file_is_refused_by_its_name(start: Start) -> None:
    """If the token is accepted again after a lost response, the usual rules decide what happens to the file."""
    client = start(faults={"store-then-5xx": 1}, spends={"store-then-5xx": "answered"})
    fields = {"fileName": "a.bin", "useUniqueFileName": "false", "overwriteFile": "false"}
    token = client.token(fields)
    assert client.upload(token=token, **fields).status_code >= 500
    assert refused(client.upload(token=token, **fields))[1].startswith("A file with the same name already exists")


# All of them


def test_every_kind_is_tested() -> None:
    """These tests know all kinds."""
    resets = {"refuse", "reset-before", "reset-middle", "reset-after", "store-then-cut", "cut-answer"}
    answers = {"429", "5xx", "store-then-5xx", "truncated", "non-json"}
    assert set(KINDS) == resets | answers | {"slow", "index-delay"}


def test_every_kind_is_described() -> None:
    """The documentation has all kinds, as in the code."""
    page = (Path(__file__).parents[3] / "docs" / "emulator.md").read_text("utf-8")
    rows = [
        f"| `{kind}` | {what} | {', '.join(f'`{m}`' for m in moments)} |" for kind, (what, moments) in KINDS.items()
    ]
    assert "\n".join(rows) in page
