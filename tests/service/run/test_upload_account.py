"""What depends on the account: who signs, and its custom metadata fields."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from doubles import signing, uploads_of
from rows import blobs, quiet

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

    Arrived = Callable[[], list[dict[str, Any]]]


# The authentication endpoint


def test_an_authentication_endpoint_signs_instead_of_a_key(emulator: Emulator, arrived: Arrived) -> None:
    """Without a private key, the seed's endpoint signs, and two equal rows in one second get two tokens."""
    with signing(emulator.private_key) as signer:
        remote = ikpipe.Account(
            emulator.public_key,
            authentication_endpoint=signer.url,
            headers={"Cookie": "session=1"},
            upload_url=emulator.upload_url,
        )
        results = quiet(blobs(b"same", b"same", b"same"), remote, file_name="same.bin")
    assert results["ik_status"].tolist() == ["uploaded"] * 3
    assert len({entry["token"] for entry in arrived()}) == 3
    assert {asked["publicKey"] for asked in signer.asked} == {emulator.public_key}
    assert {given["cookie"] for given in signer.headers} == {"session=1"}
    assert all(0 < asked["expire"] <= 3600 for asked in signer.asked)


@pytest.mark.parametrize(
    "trouble",
    [{"status": 500}, {"answer": lambda _token: {}}, {"answer": lambda _token: {"token": "no.token"}}],
    ids=["500", "nothing", "garbage"],
)
def test_an_endpoint_without_a_token_fails_the_row(trouble: Any, emulator: Emulator, arrived: Arrived) -> None:
    """Whatever the endpoint gives instead of a token, the row fails as `signer_failed` and nothing is sent."""
    with signing(emulator.private_key, **trouble) as signer:
        remote = ikpipe.Account(emulator.public_key, authentication_endpoint=signer.url, upload_url=emulator.upload_url)
        with pytest.raises(ikpipe.AccountError, match=f"No row could be signed: .*{signer.url}") as caught:
            quiet(blobs(b"1"), remote, file_name="a", retries=0)
    assert caught.value.results is not None
    assert (caught.value.results["ik_error"].tolist(), arrived()) == (["signer_failed"], [])


def remote(emulator: Emulator, signer: Any) -> ikpipe.Account:
    """Give the account of somebody whose uploads are signed elsewhere."""
    return ikpipe.Account(emulator.public_key, authentication_endpoint=signer.url, upload_url=emulator.upload_url)


@pytest.mark.parametrize("status", [400, 403, 413, 422])
def test_what_an_endpoint_refuses_fails_its_row_alone(status: int, emulator: Emulator, arrived: Arrived) -> None:
    """It is asked once, and its message is passed on; no run stops."""
    why = {"message": "You may not write to /secret."}
    with signing(emulator.private_key, status=status, answer=lambda _token: why) as signer:
        results = quiet(blobs(b"1", b"2"), remote(emulator, signer), file_name="a")
    assert (results["ik_error"].tolist(), len(signer.asked), arrived()) == (["signer_refused"] * 2, 2, [])
    assert results["ik_message"].str.contains(f"{status}: You may not write to /secret.", regex=False).all()


def test_an_endpoint_that_does_not_know_the_caller_stops_the_run(emulator: Emulator, arrived: Arrived) -> None:
    """A 401 is that of every row: nothing more is asked, and the error passes the message on."""
    why = {"message": "Your session has ended."}
    with signing(emulator.private_key, status=401, answer=lambda _token: why) as signer:
        with pytest.raises(ikpipe.AccountError, match=r"401: Your session has ended.*headers=") as caught:
            quiet(blobs(b"1", b"2", b"3"), remote(emulator, signer), file_name="a", concurrency=1)
        assert (len(signer.asked), arrived()) == (1, [])
    assert caught.value.results is not None
    assert caught.value.results["ik_error"].tolist() == ["signer_unauthorized", "cancelled", "cancelled"]


@pytest.mark.parametrize("status", [404, 429, 503])
def test_an_endpoint_that_signs_nothing_ends_the_run(status: int, emulator: Emulator) -> None:
    """300 rows take no longer than the attempts of the first ones."""
    with signing(emulator.private_key, status=status, answer=lambda _token: {}) as signer:
        rows, policy = blobs(*[b"1"] * 300), ikpipe.Policy(first_wait=0.01)
        with pytest.raises(ikpipe.AccountError, match=f"No row could be signed: .*{signer.url}.*{status}"):
            quiet(rows, remote(emulator, signer), file_name="a", policy=policy)
        assert len(signer.asked) <= 60


def test_an_endpoint_is_asked_again(emulator: Emulator) -> None:
    """An endpoint that is down for a moment is asked again, since nothing was sent."""
    answers = iter([{}, {}])
    with signing(emulator.private_key, answer=lambda token: next(answers, {"token": token})) as signer:
        remote = ikpipe.Account(emulator.public_key, authentication_endpoint=signer.url, upload_url=emulator.upload_url)
        results = quiet(blobs(b"1"), remote, file_name="a")
    assert (results["ik_status"].tolist(), results["ik_attempts"].tolist()) == (["uploaded"], [3])


class Limit:
    """Allows 2 requests, and another one every 30 ms."""

    def __init__(self) -> None:
        self.tokens, self.at, self.refused = 2.0, time.monotonic(), 0
        self.lock = threading.Lock()

    def __call__(self) -> int | None:
        """Return the milliseconds to wait, or None for a request that may pass."""
        with self.lock:
            now = time.monotonic()
            self.tokens, self.at = min(2.0, self.tokens + (now - self.at) / 0.03), now
            passes = self.tokens >= 1
            self.tokens -= passes
            self.refused += not passes
        return None if passes else 50


def test_rows_wait_for_an_endpoint_that_limits_its_requests(
    emulator: Emulator, caplog: pytest.LogCaptureFixture
) -> None:
    """More rows than it signs in the time of a row's retries: all are uploaded, with few requests too many."""
    limit = Limit()
    with signing(emulator.private_key, pause=limit) as signer:
        rows = blobs(*[b"%d" % row for row in range(40)])
        results = quiet(rows, remote(emulator, signer), file_name="a", concurrency=16, retries=1)
    assert set(results["ik_status"]) == {"uploaded"}
    assert set(results["ik_attempts"]) == {1}
    assert limit.refused <= 80
    assert caplog.text.count("The authentication endpoint limits the requests") == 1


def test_an_endpoint_that_never_signs_again_fails_the_rows(emulator: Emulator) -> None:
    """`longest_pause` is how long it may sign nothing; each row then has the endpoint's message."""
    first = iter([None])
    with signing(emulator.private_key, pause=lambda: next(first, 60)) as signer:
        policy = ikpipe.Policy(longest_pause=0.2, first_wait=0.01)
        rows = blobs(b"1", b"2", b"3", b"4")
        results = quiet(rows, remote(emulator, signer), file_name="a", concurrency=1, retries=1, policy=policy)
    assert results["ik_status"].tolist() == ["uploaded", "failed", "failed", "failed"]
    assert results["ik_message"][1:].str.contains("429: Too many requests.").all()


# Custom metadata


@pytest.fixture
def shop(emulate: Callable[..., Emulator]) -> Emulator:
    """Give an emulator whose account has a field of each type."""
    emulator = emulate()
    schemas: dict[str, dict[str, Any]] = {
        "brand": {"type": "Text"},
        "price": {"type": "Number", "minValue": 0},
        "sale": {"type": "Boolean"},
        "since": {"type": "Date"},
        "size": {"type": "SingleSelect", "selectOptions": ["S", "M", 1]},
    }
    with httpx.Client(auth=(emulator.private_key, "")) as client:
        for name, schema in schemas.items():
            field = {"name": name, "label": name, "schema": schema}
            client.post(f"{emulator.url}/v1/customMetadataFields", json=field).raise_for_status()
    return emulator


def test_text_becomes_what_its_field_is(shop: Emulator) -> None:
    """Cells of a CSV are text: it becomes Number, Boolean, Date only where the account's field says so."""
    frame = blobs(b"1", brand=["12"], price=["12.50"], sale=["yes"], since=["2026-11-23"], size=["1"])
    columns = {"custom_metadata": ["brand", "price", "sale", "since", "size"]}
    results = quiet(frame, shop.account, columns=columns, file_name="a", response_fields="customMetadata")
    wanted = {"brand": "12", "price": 12.5, "sale": True, "since": "2026-11-23", "size": 1}
    assert results["ik_custom_metadata"].tolist() == [wanted]


def test_metadata_that_fits_no_field_is_never_sent(shop: Emulator) -> None:
    """A field that does not exist, a wrong type and a value outside its limits are found here."""
    frame = blobs(b"1", b"2", b"3", b"4")
    frame["custom_metadata"] = ['{"brnad": "x"}', '{"price": "cheap"}', '{"price": -1}', '{"size": "L"}']
    results = quiet(frame, shop.account, file_name="a")
    assert results["ik_error"].tolist() == ["unknown_name", "wrong_type", "out_of_range", "out_of_range"]
    assert uploads_of(shop) == []


def test_fields_are_asked_for_only_where_they_matter(shop: Emulator) -> None:
    """A run without custom metadata asks the media API nothing."""
    before = len(shop.log())
    quiet(blobs(b"1"), shop.account, file_name="a")
    assert [entry["path"] for entry in shop.log()[before:]] == ["/api/v2/files/upload"]


def test_metadata_is_sent_as_it_is_where_fields_cannot_be_asked_for(shop: Emulator) -> None:
    """Without a private key nobody can ask for the fields: the values keep the types of their cells."""
    with signing(shop.private_key) as signer:
        remote = ikpipe.Account(shop.public_key, authentication_endpoint=signer.url, upload_url=shop.upload_url)
        columns = {"custom_metadata": {"price": "p", "brand": "b"}}
        quiet(blobs(b"1", p=[3], b=["x"]), remote, columns=columns, file_name="a")
    assert uploads_of(shop)[0]["fields"]["customMetadata"] == '{"price":3,"brand":"x"}'
