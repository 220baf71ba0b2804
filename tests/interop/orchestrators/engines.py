"""Orchestrators in environments of their own: starts them, kills their processes, reads what they leave."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import psutil
import pytest
from shell import variables

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from ikpipe.emulator import Emulator

ROOT = Path(__file__).parents[3]
EXAMPLES = ROOT / "docs" / "examples"
Found = TypeVar("Found")
FEW = 5
"""Rows that are uploaded before a process is killed."""
PATIENCE = 240
"""Seconds for anything that an orchestrator does."""


def environment(name: str, *packages: str) -> Path:
    """Return the programs of a virtual environment with packages and ikpipe; skip the test if they do not install."""
    folder = ROOT / "build" / "orchestrators" / name
    programs = folder / "bin"
    uv = ROOT / "build" / "orchestrators" / "uv"
    for path in (uv, folder):
        if not (path / "bin" / "python").exists():
            _run(sys.executable, "-m", "venv", path)
    _run(uv / "bin" / "python", "-m", "pip", "install", "--quiet", "uv")
    extras = f"{ROOT}[emulator,parquet]"
    done = subprocess.run(  # noqa: S603 - ours
        [uv / "bin" / "uv", "pip", "install", "--python", programs / "python", *packages, "--editable", extras],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        pytest.skip(f"{' '.join(packages)} cannot be installed here: {done.stderr[-500:]}")
    return programs


def _run(*command: str | Path) -> None:
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - ours


def free_port() -> int:
    """Return a port of loopback that nothing listens to."""
    with closing(socket.socket()) as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
        return port


class Place:
    """A folder for an orchestrator and its catalog, an emulator, and the variables that its processes have."""

    def __init__(self, programs: Path, emulator: Emulator, folder: Path, **more: str) -> None:
        self.programs, self.emulator, self.folder = programs, emulator, folder
        self.catalog = folder / "catalog"
        self.rows = 100
        self.variables = {
            **{name: text for name, text in os.environ.items() if name in ("LANG", "TMPDIR", "SSL_CERT_FILE")},
            "HOME": str(folder),
            "PATH": f"{programs}{os.pathsep}{os.environ['PATH']}",
            "NO_PROXY": "127.0.0.1,localhost",
            "CATALOG": str(self.catalog),
            "RETRY_SECONDS": "2",
            **{name: text for name, text in variables(emulator).items() if name != "IMAGEKIT_PRIVATE_KEY"},
            **more,
        }
        (self.catalog / "pictures").mkdir(parents=True)
        for day in self.days:
            table = "".join(f"{day}-{row},{row}.gif\n" for row in range(self.rows))
            (self.catalog / f"products-{day}.csv").write_text(f"sku,picture\n{table}")
            self.results(day).mkdir(parents=True)  # where a file is to be, so that it cannot be written
        for row in range(self.rows):
            (self.catalog / "pictures" / f"{row}.gif").write_bytes(b"GIF89a%d" % row)

    @property
    def keys(self) -> dict[str, str]:
        """The arguments of `ikpipe.Account`."""
        return {name.removeprefix("IMAGEKIT_").lower(): text for name, text in variables(self.emulator).items()}

    @property
    def days(self) -> list[str]:
        """Yesterday, today and tomorrow, since a test may run at midnight."""
        return [f"{datetime.now(UTC) + timedelta(days=day):%Y-%m-%d}" for day in (-1, 0, 1)]

    def results(self, day: str) -> Path:
        """Return the file to which a job in Python writes its results."""
        return self.catalog / "results" / f"products-{day}.parquet"

    def let_results_be_written(self) -> None:
        """Make room for the files with results."""
        for day in self.days:
            self.results(day).rmdir()

    def run(self, program: str, *words: str, keys: dict[str, str] | None = None) -> str:
        """Run a program of the environment that must succeed, and return what it prints; it can read the keys."""
        done = subprocess.run(  # noqa: S603 - ours
            [self.programs / program, *words],
            env=self.variables,
            input=json.dumps(keys),
            capture_output=True,
            text=True,
            check=False,
            cwd=self.folder,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]
        return done.stdout

    @contextmanager
    def service(self, program: str, *words: str) -> Iterator[psutil.Process]:
        """Run a program of the environment until the end of the block, with all processes that it starts."""
        with (self.folder / f"{program}.out").open("w") as out:
            command = [str(self.programs / program), *words]
            running = psutil.Popen(
                command, env=self.variables, stdout=out, stderr=out, cwd=self.folder, start_new_session=True
            )
            try:
                yield running
            finally:
                _end([running, *(running.children(recursive=True) if running.is_running() else [])])

    def stored(self, folder: str) -> int:
        """Return how many uploads for a folder were stored."""
        return sum(entry["stored"] for entry in self.uploads(folder))

    def uploads(self, folder: str) -> list[dict[str, Any]]:
        """Return the uploads that arrived for a folder."""
        return [entry for entry in self.emulator.log() if entry.get("fields", {}).get("folder") == folder]

    def files_with_the_key(self) -> list[str]:
        """Return the files of this place that contain the private key: logs, databases, results."""
        key = self.keys["private_key"].encode()
        return [str(path) for path in self.folder.rglob("*") if path.is_file() and key in path.read_bytes()]


def _end(processes: Sequence[psutil.Process]) -> None:
    """End processes, at first politely."""
    for act in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                act(process)
        psutil.wait_procs(processes, timeout=10)


def until(find: Callable[[], Found], what: str, seconds: float = PATIENCE) -> Found:
    """Wait until a function returns something true, and return that."""
    end = time.monotonic() + seconds
    while not (found := find()):
        assert time.monotonic() < end, f"nothing after {seconds} s: {what}"
        time.sleep(0.1)
    return found


def kill_the_uploader(service: psutil.Process, emulator: Emulator) -> None:
    """Kill the process of a service that has connections with an emulator."""
    port = int(emulator.url.rpartition(":")[2])

    def uploaders() -> list[psutil.Process]:
        found = []
        for process in [service, *service.children(recursive=True)]:
            with suppress(psutil.Error):
                if any(one.raddr and one.raddr.port == port for one in process.net_connections("tcp")):
                    found.append(process)
        return found

    for process in until(uploaders, "no process uploads"):
        process.kill()
