"""Running commands for tests: what one leaves behind, an emulator's environment, processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator

    from ikpipe.emulator import Emulator


class Completed(NamedTuple):
    """What a command left behind: its exit status, standard output, standard error."""

    status: int
    out: str
    err: str


Ikp = Callable[..., Completed]
Table = Callable[..., str]


def variables(emulator: Emulator) -> dict[str, str]:
    """Give the environment that points to an emulator."""
    return {
        "IMAGEKIT_PUBLIC_KEY": emulator.public_key,
        "IMAGEKIT_PRIVATE_KEY": str(emulator.private_key),
        "IMAGEKIT_URL_ENDPOINT": emulator.url_endpoint,
        "IMAGEKIT_UPLOAD_URL": emulator.upload_url,
        "IMAGEKIT_API_URL": emulator.url,
    }


NAMED = ("--map", "file=picture", "--set", "file_name={sku}.png")
"""The mapping of the tables that `table` writes."""


@contextmanager
def process(*words: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    """Run a command in a process of its own, which does not outlive the block."""
    command, pipe = [sys.executable, "-m", "ikpipe", *words], subprocess.PIPE
    told = {**os.environ, **environment}
    with subprocess.Popen(command, env=told, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as running:  # noqa: S603 - ours
        try:
            yield running
        finally:
            running.kill()


def wait_for(arrived: Callable[[], list[Any]]) -> None:
    """Wait until something has arrived."""
    end = time.monotonic() + 30
    while not arrived():
        assert time.monotonic() < end
        time.sleep(0.02)
