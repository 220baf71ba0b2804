"""Helpers that run commands: their results, an emulator's environment, processes."""

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
    """The exit status, standard output and standard error of a command."""

    status: int
    out: str
    err: str


Ikp = Callable[..., Completed]
Table = Callable[..., str]


def variables(emulator: Emulator) -> dict[str, str]:
    """Return the environment variables for an emulator."""
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
    """Run a command in a process, which is killed at the end of the block."""
    command, pipe = [sys.executable, "-m", "ikpipe", *words], subprocess.PIPE
    settings = {**os.environ, **environment}
    with subprocess.Popen(command, env=settings, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as running:  # noqa: S603 - ours
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
