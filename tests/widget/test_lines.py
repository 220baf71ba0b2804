"""What a page says is taken in once and in its order, whichever way it comes."""

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
    """Announce a file, as a numbered message."""
    return {"type": "add", "request": f"q{at}", "files": [FILE], "line": "one", "at": at}


@pytest.fixture
def uploader(account: Account) -> Uploader:
    """Make an uploader without rows."""
    return Uploader(account)


def test_a_message_that_comes_twice_is_taken_in_once(uploader: Uploader) -> None:
    """A file that is announced again, since the first word was held up, is there once."""
    with Browser(uploader) as browser:
        browser.tell(add(1))
        browser.tell(add(1))
        assert len(browser.rows) == len(browser.all("added")) == 1


def test_a_message_before_its_time_is_not_taken_in(uploader: Uploader) -> None:
    """What overtook another message waits until it is said again; `pong` says how far the line was taken in."""
    with Browser(uploader) as browser:
        browser.tell(add(2))
        browser.tell({"type": "ping", "n": 9, "line": "one", "at": 2})
        assert browser.rows == {}
        assert browser.last("pong") == {"type": "pong", "n": 9, "line": "one", "at": 2, "taken": 0}
        browser.tell(add(1))
        browser.tell(add(2))
        browser.tell({"type": "ping", "n": 10, "line": "one", "at": 2})
        assert len(browser.rows) == browser.last("pong")["taken"] == 2


def test_what_is_refused_was_taken_in(uploader: Uploader) -> None:
    """A message that is ill-formed is answered, and those after it are heard."""
    with Browser(uploader) as browser:
        browser.tell({"type": "add", "request": "q", "files": 1, "line": "one", "at": 1})
        browser.tell(add(2))
        assert len(browser.rows) == len(browser.errors()) == 1


@pytest.mark.parametrize("place", [{"line": 1, "at": 1}, {"line": "one"}, {"line": "one", "at": "1"}])
def test_a_place_that_is_none_is_refused(uploader: Uploader, place: dict[str, Any]) -> None:
    """A message whose place in its line cannot be read changes nothing."""
    with Browser(uploader) as browser:
        browser.tell({**add(1), "at": None, **place})
        assert browser.rows == {}
        assert len(browser.errors()) == 1


@given(st.permutations(range(1, 7)))
def test_any_order_becomes_theirs(numbers: list[int]) -> None:
    """However messages come, and come again, each is taken in once, in its order."""
    order = MessageOrder()
    taken = [number for _ in numbers for number in numbers if order.accept("one", number)]
    assert taken == sorted(numbers)
    assert order.last_accepted("one") == len(numbers)


def test_lines_are_forgotten_in_the_end() -> None:
    """Of very many pages, those are remembered that were heard last."""
    order = MessageOrder()
    assert all(order.accept(f"line {number}", 1) for number in range(2_000))
    assert [order.last_accepted(f"line {number}") for number in (0, 1_999)] == [0, 1]
