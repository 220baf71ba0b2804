"""A page's messages are accepted once and in order, even if they overtake each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from browsers import Browser
from hypothesis import given
from hypothesis import strategies as st

from ikpipe import Uploader
from ikpipe.widget.message_order import MessageOrder

if TYPE_CHECKING:
    from ikpipe import Account

FILE = {"key": "k1", "name": "a.png", "path": "", "size": 5, "type": "image/png"}


def add(at: int) -> dict[str, Any]:
    """Return a numbered message that adds a file."""
    return {"type": "add", "request": f"q{at}", "files": [FILE], "line": "one", "at": at}


@pytest.fixture
def uploader(account: Account) -> Uploader:
    """Return an uploader without rows."""
    return Uploader(account)


def test_a_repeated_message_is_accepted_once(uploader: Uploader) -> None:
    """A file whose message was delayed and repeated is added once."""
    with Browser(uploader) as browser:
        browser.send_raw(add(1))
        browser.send_raw(add(1))
        assert len(browser.rows) == len(browser.all("added")) == 1


def test_an_early_message_is_not_accepted(uploader: Uploader) -> None:
    """A message that overtook another one is accepted when it is repeated; `pong` has the last accepted number."""
    with Browser(uploader) as browser:
        browser.send_raw(add(2))
        browser.send_raw({"type": "ping", "n": 9, "line": "one", "at": 2})
        assert browser.rows == {}
        assert browser.last("pong") == {"type": "pong", "n": 9, "line": "one", "at": 2, "taken": 0}
        browser.send_raw(add(1))
        browser.send_raw(add(2))
        browser.send_raw({"type": "ping", "n": 10, "line": "one", "at": 2})
        assert len(browser.rows) == browser.last("pong")["taken"] == 2


def test_messages_of_a_batch_are_handled_one_by_one(uploader: Uploader) -> None:
    """A batch can have any messages; an invalid one, or a batch in it, does not affect the others."""
    with Browser(uploader) as browser:
        inner = {"type": "batch", "messages": [add(3)]}
        browser.send_raw({"type": "batch", "messages": [add(1), {**add(9), "line": 7}, inner, None, add(1), add(2)]})
        assert len(browser.rows) == 2
        assert len(browser.errors()) == 3


@pytest.mark.parametrize("messages", [None, "x", {}, [add(1)] * 1_001])
def test_an_invalid_batch_is_rejected(uploader: Uploader, messages: object) -> None:
    """A batch is a short list."""
    with Browser(uploader) as browser:
        browser.send_raw({"type": "batch", "messages": messages})
        assert (len(browser.rows), len(browser.errors())) == (0, 1)


def test_an_invalid_message_is_accepted_in_sequence(uploader: Uploader) -> None:
    """An invalid message is answered with an error, and later ones are handled."""
    with Browser(uploader) as browser:
        browser.send_raw({"type": "add", "request": "q", "files": 1, "line": "one", "at": 1})
        browser.send_raw(add(2))
        assert len(browser.rows) == len(browser.errors()) == 1


@pytest.mark.parametrize("place", [{"line": 1, "at": 1}, {"line": "one"}, {"line": "one", "at": "1"}])
def test_an_invalid_number_is_rejected(uploader: Uploader, place: dict[str, Any]) -> None:
    """A message whose sequence or number is invalid changes nothing."""
    with Browser(uploader) as browser:
        browser.send_raw({**add(1), "at": None, **place})
        assert browser.rows == {}
        assert len(browser.errors()) == 1


@given(st.permutations(range(1, 7)))
def test_any_order_becomes_the_sequence(numbers: list[int]) -> None:
    """In whatever order messages arrive and are repeated, each is accepted once and in sequence."""
    order = MessageOrder()
    taken = [number for _ in numbers for number in numbers if order.accept("one", number)]
    assert taken == sorted(numbers)
    assert order.last_accepted("one") == len(numbers)


def test_old_sequences_are_forgotten() -> None:
    """Of very many pages, the most recent ones are remembered."""
    order = MessageOrder()
    assert all(order.accept(f"line {number}", 1) for number in range(2_000))
    assert [order.last_accepted(f"line {number}") for number in (0, 1_999)] == [0, 1]
