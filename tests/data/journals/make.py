"""Make the files of this folder, with a version of ikpipe that wrote format 2 (commit 7f61cca): python make.py.

`format_3.ikjournal` is the same as `interrupted.ikjournal`, from a version that wrote format 3 (commit 2cdd156).

`interrupted.ikjournal` is of three rows: two have ended, and of the third there is an intent and no result. `shared` is
the folder of an upload in parts: one row has ended, of the second there is an intent and no result. The service of that
moment is gone, so that a test begins with an emulator to which the rows that have ended are uploaded once more.
"""

import os
import shutil
import signal
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx
import pandas as pd

import ikpipe
from ikpipe import cluster
from ikpipe.emulator import Emulator
from ikpipe.run import executor

HERE = Path(__file__).resolve().parent
KEYS = {"public_key": "public_fixture", "private_key": "private_fixture"}
FIXED = {"file_name": "{sku}.gif", "folder": "/fixture/", "use_unique_file_name": False}


class Ending(httpx.AsyncHTTPTransport):
    """Let this process die as it sends its nth upload."""

    def __init__(self, nth: int) -> None:
        super().__init__()
        self._left = nth

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request, unless it is the last."""
        if request.url.path.endswith("/upload"):
            self._left -= 1
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)
        return await super().handle_async_request(request)


def alone(url: str, upload_url: str) -> None:
    """Write a journal of `upload`, and die in the middle of it; paths are below the current folder."""
    Path("files").mkdir()
    Path("files/one.gif").write_bytes(b"GIF89a one")
    Path("files/three.gif").write_bytes(b"GIF89a three")
    account = ikpipe.Account("public_fixture", "private_fixture", api_url=url, upload_url=upload_url)
    files = [Path("one.gif"), b"GIF89a two", "three.gif"]
    frame = pd.DataFrame({"sku": ["one", "two", "three"], "file": files})
    options = {"root": "files", "concurrency": 1, "transport": Ending(3), "progress": False}
    ikpipe.upload(frame, account, journal=HERE / "interrupted.ikjournal", **options, **FIXED)


def shared(url: str, upload_url: str) -> None:
    """Write a shared journal, and die in the middle of it."""
    account = ikpipe.Account("public_fixture", "private_fixture", api_url=url, upload_url=upload_url)
    frame = pd.DataFrame({"sku": ["one", "two"], "file": [b"GIF89a one", b"GIF89a two"]})
    planned = cluster.plan(account, slots=1, journal=HERE / "shared", concurrency=1, **FIXED)
    send = executor.Travel._attempt  # noqa: SLF001 - there is no hook between an intent and its request

    async def dying(self: executor.Travel, trip: Any, *rest: Any) -> Any:
        if trip.position:
            os.kill(os.getpid(), signal.SIGKILL)
        return await send(self, trip, *rest)

    executor.Travel._attempt = dying  # noqa: SLF001
    planned(frame)


if __name__ == "__main__":
    shutil.rmtree(HERE / "shared", ignore_errors=True)
    for path in HERE.glob("interrupted.ikjournal*"):
        path.unlink()
    with TemporaryDirectory() as folder, Emulator(**KEYS) as emulator:
        os.chdir(folder)
        for work in (alone, shared):
            process = get_context("spawn").Process(target=work, args=(emulator.url, emulator.upload_url))
            process.start()
            process.join()
            assert process.exitcode == -signal.SIGKILL
