"""The emulator in a process of its own: signals, and kills."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import httpx
import pytest
from emulator_client import Client, refused
from receiver import wait_until

from ikpipe.emulator import Emulator, serve

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


SERVE = """
import sys
from ikpipe.emulator import serve
serve("127.0.0.1", 0, sys.argv[1], lambda emulator: print(emulator.url, flush=True), bulk_job_delay=0.001)
print("ended", flush=True)
"""


@contextmanager
def emulator_process(directory: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run an emulator in its own process; return the process and the emulator's URL."""
    command = [sys.executable, "-W", "error", "-c", SERVE, str(directory)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - our own interpreter
        assert process.stdout is not None
        try:
            yield process, process.stdout.readline().strip()
        finally:
            process.kill()


def test_process_ends_with_status_0(tmp_path: Path) -> None:
    """In the foreground, SIGTERM ends the process normally."""
    with emulator_process(tmp_path) as (process, url):
        assert httpx.get(f"{url}/emulator/log", trust_env=False).json() == []
        process.terminate()
        rest, _ = process.communicate(timeout=10)
    assert (rest, process.returncode) == ("ended\n", 0)


def test_killed_process_has_lost_nothing(tmp_path: Path, start: Callable[..., Client]) -> None:
    """After a SIGKILL, a confirmed upload is stored, and its token is spent."""
    client = start(tmp_path / "other")
    shutil.copy(tmp_path / "other" / "keys.json", tmp_path)
    token = client.token({"fileName": "file.bin"})
    form = {"fileName": "file.bin", "token": token}
    with emulator_process(tmp_path) as (process, url):
        address = f"{url}/api/v2/files/upload"
        stored = httpx.post(address, data=form, files={"file": ("a", b"kept")}, trust_env=False).json()
        process.kill()
        process.wait()
    again = start(tmp_path)
    assert again.http.get(again.emulator.url_endpoint + stored["filePath"]).content == b"kept"
    assert refused(again.upload(token=token)) == (400, "Your request has invalid token.")


def test_killed_process_finishes_its_job(tmp_path: Path, start: Callable[..., Client]) -> None:
    """After a SIGKILL in the middle of a bulk job, the next process completes it, and copies no file twice."""
    client = start(tmp_path)
    names = sorted(client.fixed(f"{number}.bin", folder="/a").json()["name"] for number in range(1000))
    client.emulator.__exit__()
    key = (client.emulator.private_key, "")
    with emulator_process(tmp_path) as (process, url), httpx.Client(base_url=url, auth=key, trust_env=False) as http:
        job = http.post("/v1/bulkJobs/copyFolder", json={"sourceFolderPath": "/a", "destinationPath": "/to"}).json()
        while not http.get("/v1/files", params={"path": "/to/a", "limit": 1}).json():
            pass
        process.kill()
        process.wait()
    again = start(tmp_path)
    wait_until(lambda: again.api("GET", f"/v1/bulkJobs/{job['jobId']}").json()["status"] == "Completed")
    copies = again.api("GET", "/v1/files", params={"path": "/to/a"}).json()
    assert sorted(file["name"] for file in copies) == names
    assert {file["versionInfo"]["name"] for file in copies} == {"Version 1"}
    assert {again.http.get(file["url"]).content for file in copies[::50]} == {b"some bytes"}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serve_ends_at_a_signal(number: signal.Signals) -> None:
    """Both signals stop it, and have their previous handlers afterwards."""
    before = signal.getsignal(number)
    seen: list[Emulator] = []

    def ready(emulator: Emulator) -> None:
        seen.append(emulator)
        signal.raise_signal(number)

    serve("127.0.0.1", 0, None, ready, index_lag=3)
    assert (seen[0].rules.index_lag, signal.getsignal(number)) == (3, before)
