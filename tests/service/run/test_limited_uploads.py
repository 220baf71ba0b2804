"""Bandwidth of uploads: bytes leave this machine at the rate that is set, whatever carries them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest
from doubles import stored_by
from rows import blobs, quiet

import ikpipe
from ikpipe import cluster

if TYPE_CHECKING:
    from pathlib import Path

    from ikpipe import Account

SIZE, RATE = 50_000, 400_000


class Timed(httpx.AsyncBaseTransport):
    """A transport that stores whatever comes, and notes when each piece of a body came."""

    def __init__(self) -> None:
        self.pieces: list[tuple[float, int]] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Read the body piece by piece."""
        body = b""
        async for piece in request.stream:  # type: ignore[union-attr]
            self.pieces.append((time.monotonic(), len(piece)))
            body += piece
        return httpx.Response(200, json=stored_by(request, body))

    @property
    def rate(self) -> float:
        """The bytes per second from the first piece to the last."""
        return sum(size for _, size in self.pieces[:-1]) / (self.pieces[-1][0] - self.pieces[0][0])


def files(number: int) -> Any:
    """Make some files that differ."""
    return blobs(*(os.urandom(SIZE) for _ in range(number)))


@pytest.mark.parametrize("bandwidth", [RATE, f"{RATE}B", f"00:00,{RATE}B"])
def test_a_run_is_never_faster_than_it_may(bandwidth: float | str) -> None:
    """Together, however many files are in flight, with the small burst that makes up for late timers."""
    wire = Timed()
    account = ikpipe.Account("public_a", "private_a_0123456789")
    results = quiet(files(8), account, file_name="a", bandwidth=bandwidth, transport=wire)
    assert set(results["ik_status"]) == {"uploaded"}
    assert wire.rate <= RATE * 1.02
    assert max(size for _, size in wire.pieces) <= RATE * 0.02


def test_off_sets_no_limit() -> None:
    """As rclone writes it; pieces are as large as without a limit."""
    wire = Timed()
    account = ikpipe.Account("public_a", "private_a_0123456789")
    quiet(files(2), account, file_name="a", bandwidth="off", transport=wire)
    assert max(size for _, size in wire.pieces) >= SIZE


def test_waiting_for_bandwidth_is_no_time_out(account: Account) -> None:
    """A time limit counts seconds without progress of the network, and waits of our own are none."""
    result = ikpipe.upload_file(os.urandom(4_000), account, file_name="a", bandwidth=2_000, timeout=0.6)
    assert (result.status, result.attempts) == ("uploaded", 1)


@pytest.mark.parametrize("bandwidth", [0, "5MB", "25:00,1M", True])
def test_a_wrong_limit_is_an_error_of_the_call(bandwidth: Any, account: Account) -> None:
    """It names the keyword and the value."""
    with pytest.raises(ikpipe.MappingError, match="bandwidth="):
        quiet(files(1), account, file_name="a", bandwidth=bandwidth)


def test_a_resumed_run_keeps_its_bandwidth(account: Account, tmp_path: Path) -> None:
    """The journal has it; another one, or none, can be passed."""
    journal, wire = tmp_path / "run.ikjournal", Timed()
    frame = files(6).assign(checks=["what?", *[None] * 5])
    with pytest.raises(ikpipe.UploadError):
        quiet(frame, account, file_name="a", bandwidth=RATE, max_failures=1, concurrency=1, journal=journal)
    ikpipe.resume(journal, account, progress=False, transport=wire)
    assert max(size for _, size in wire.pieces) <= RATE * 0.02


def test_parts_share_the_bandwidth() -> None:
    """Each slot of a cluster has its part of every limit."""
    account = ikpipe.Account("public_a", "private_a_0123456789")
    prepared = cluster.prepare(account, slots=4, bandwidth="08:00,4M 20:00,off")
    share = prepared.part_options()["bandwidth"]
    assert share.startswith("Mon-08:00,1048576B Mon-20:00,off Tue-08:00")
