"""The service's capacity: how many uploads it processes at once, and how long they take."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

import pytest
from emulator_client import refused
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.emulator import Rules
from ikpipe.emulator.upload.capacity import Capacity, Queue

if TYPE_CHECKING:
    from collections.abc import Callable

    from emulator_client import Client

    Start = Callable[..., Client]

# The queue itself, without a clock


def test_up_to_the_capacity_nobody_waits() -> None:
    """As many uploads as there are servers take one latency each; the next ones wait."""
    queue = Queue(3)
    assert [queue.join(0, 2) for _ in range(7)] == [2, 2, 2, 4, 4, 4, 6]


def test_without_a_capacity_nobody_waits() -> None:
    """Without a limit, each upload takes its latency, however many there are."""
    queue = Queue(None)
    assert [queue.join(now, 2) for now in (0, 0, 0, 1)] == [2, 2, 2, 3]


def test_idle_time_is_not_saved_up() -> None:
    """Idle time of the service is not made up for later."""
    queue = Queue(1)
    queue.join(0, 1)
    assert [queue.join(100, 1) for _ in range(2)] == [101, 102]


@given(st.lists(st.integers(0, 9), min_size=1), st.integers(1, 5), st.integers(1, 9))
def test_first_come_first_served(gaps: list[int], servers: int, seconds: int) -> None:
    """An upload starts when it arrives, or when the one `capacity` places before it is done."""
    queue = Queue(servers)
    arrivals = [sum(gaps[: place + 1]) for place in range(len(gaps))]
    done = [queue.join(now, seconds) for now in arrivals]
    before = [float("-inf")] * servers + done
    assert done == [max(now, there) + seconds for now, there in zip(arrivals, before, strict=False)]


def test_urls_have_a_queue_of_their_own() -> None:
    """With a capacity for URLs, URLs and other uploads do not wait for each other."""
    capacity = Capacity(Rules(latency=2, capacity=1, url_latency=5, url_capacity=1))
    assert [capacity.join(0, url=url) for url in (False, True, False, True)] == [2, 5, 4, 10]


def test_urls_share_the_queue() -> None:
    """Without a capacity of their own, URLs wait with all others, for as long as their latency says."""
    capacity = Capacity(Rules(latency=2, capacity=1, url_latency=5))
    assert [capacity.join(0, url=url) for url in (False, True, False)] == [2, 7, 9]


def test_urls_have_the_latency_of_all() -> None:
    """Without a latency of their own, URLs take as long as all others."""
    capacity = Capacity(Rules(latency=2, url_capacity=1))
    assert [capacity.join(0, url=True) for _ in range(2)] == [2, 4]


@pytest.mark.parametrize(
    ("name", "value"), [("capacity", 0), ("url_capacity", -1), ("latency", -0.1), ("url_latency", -1)]
)
def test_figure_that_no_queue_has(name: str, value: float) -> None:
    """A capacity is at least 1, and a latency at least 0."""
    with pytest.raises(ValueError, match=f"The rule '{name}' must be at least .*, not {value}"):
        Rules.of(**{name: value})


# The queue in the service


def seconds(work: Callable[[], object]) -> float:
    """Return how long something takes, in seconds."""
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def statuses(client: Client, uploads: int) -> list[int]:
    """Upload that many files at once."""
    with ThreadPoolExecutor(uploads) as pool:
        return list(pool.map(lambda _: client.upload().status_code, range(uploads)))


def test_throughput_is_the_capacity(start: Start) -> None:
    """Six uploads, two at once, take three times as long as one."""
    client = start(latency=0.1, capacity=2)
    assert 0.3 <= seconds(lambda: statuses(client, 6)) < 30


def test_waiting_holds_no_thread(start: Start) -> None:
    """Without a capacity, sixteen uploads take little longer than one, although there are fewer threads."""
    client = start(latency=1.0)
    assert 1 <= seconds(lambda: statuses(client, 16)) < 4


def test_url_is_told_from_bytes(start: Start) -> None:
    """Only an upload whose file is a URL takes the latency of URLs."""
    client = start(url_latency=1.0)
    assert 1 <= seconds(lambda: client.upload("http://127.0.0.1:1/")) < 30
    assert seconds(client.upload) < 1


def test_who_is_turned_down_at_the_door_does_not_wait(start: Start) -> None:
    """A 429 comes at once, however slow the service is."""
    client = start(latency=60.0, upload_rate=0)
    assert client.upload().status_code == 429


def test_token_that_expires_in_the_queue(start: Start) -> None:
    """A token must still be valid when its upload leaves the queue."""
    client = start(latency=1.1)
    token = client.token({"fileName": "file.bin"}, life=1, issued=int(time.time()))
    assert refused(client.upload(token=token)) == (400, "Your request contains expired token.")


def test_waiting_uploads_do_not_hold_up_the_end(start: Start) -> None:
    """An emulator stops although uploads wait in the queue, and the log says that they were interrupted."""
    client = start(latency=60.0)
    emulator = client.emulator
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(client.upload)
        while not emulator.log():
            time.sleep(0.005)
        emulator.__exit__()
        assert waiting.exception() is not None
    assert (emulator.log()[0]["message"], emulator.log()[0]["stored"]) == ("interrupted", False)
