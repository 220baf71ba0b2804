"""The places where a notebook lives: a real JupyterLab, Voila and marimo on loopback, each a process of its own."""

from __future__ import annotations

import json
import os
import secrets
import signal
import socket
import subprocess
import sys
import threading
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple, TypeVar
from urllib.error import URLError
from urllib.request import Request, urlopen

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

ROOT = Path(__file__).parents[3]
STARTING = 90.0  # seconds in which a server is up, on a machine that has other things to do
ENDING = 15.0
BETWEEN = 0.05

SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
    "@jupyter-widgets/jupyterlab-manager/plugin": {"saveState": True},  # what a widget gives away, it gives away here
}

T = TypeVar("T")


def until(found: Callable[[], T | None], what: str, patience: float = 60.0) -> T:
    """Wait for a condition, and give what it found."""
    tick = threading.Event()
    for _ in range(round(patience / BETWEEN)):
        value = found()
        if value:
            return value
        tick.wait(BETWEEN)
    raise TimeoutError(f"{what}: not within {patience:.0f} s")


class Place(NamedTuple):
    """A server: its address, its password, the folder it serves, and where it writes what it does."""

    url: str
    token: str
    folder: Path
    log: Path

    def ask(self, method: str, path: str, body: object = None) -> Any:
        """Ask its interface."""
        data = None if body is None else json.dumps(body).encode()
        request = Request(f"{self.url}{path}", data, {"Authorization": f"token {self.token}"}, method=method)  # noqa: S310
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - loopback
            text = answer.read()
        return json.loads(text) if text else None

    def is_up(self) -> bool:
        """Tell whether it answers."""
        try:
            with urlopen(f"{self.url}/?token={self.token}", timeout=5):  # noqa: S310 - loopback
                return True
        except (URLError, OSError):
            return False


def environment(home: Path, **more: str) -> dict[str, str]:
    """Give an environment in which nothing of the user's own settings is seen, and this ikpipe is the one."""
    places = ["CONFIG", "DATA", "RUNTIME", "CACHE", "STATE"]
    return os.environ | {
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "IPYTHONDIR": str(home / "ipython"),
        "JUPYTERLAB_SETTINGS_DIR": str(home / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(home / "workspaces"),
        "MPLBACKEND": "agg",
        **{f"JUPYTER_{place}_DIR": str(home / place.lower()) for place in places[:3]},
        **{f"XDG_{place}_HOME": str(home / f"xdg-{place.lower()}") for place in ("CONFIG", "DATA", "CACHE", "STATE")},
        **more,
    }  # fmt: skip


def free_port() -> int:
    """Find a port that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def served(
    home: Path, module: str, *options: str, token: str, python: str | Path = sys.executable, **variables: str
) -> Iterator[Place]:
    """Run a server until the end of the block; `{port}` in an option is its port."""
    home.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [python, "-m", module, *(option.replace("{port}", str(port)) for option in options)]
    place = Place(f"http://127.0.0.1:{port}", token, home / "notebooks", home / "server.log")
    place.folder.mkdir(exist_ok=True)
    with place.log.open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own command
            command, cwd=place.folder, env=environment(home, **variables), stdout=log, stderr=log,
            stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
    try:
        until(lambda: ended(process, place) or place.is_up(), f"{module} is up", STARTING)
        yield place
    finally:
        stop(process)


def ended(process: subprocess.Popen[bytes], place: Place) -> None:
    """Raise where the server is no more."""
    if process.poll() is not None:
        raise RuntimeError(f"the server ended with {process.returncode}:\n{place.log.read_text()[-3000:]}")


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a server and its children, politely first."""
    process.send_signal(signal.SIGTERM)
    with suppress(subprocess.TimeoutExpired):
        process.wait(ENDING)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def jupyter_lab(home: Path, **settings: Any) -> Iterator[Place]:
    """Run a JupyterLab, with settings of `served`; its kernels end with it."""
    for plugin, values in SETTINGS.items():
        path = home / "settings" / f"{plugin}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values))
    token = secrets.token_hex(16)
    options = (
        "--allow-root", "--no-browser", "--ServerApp.ip=127.0.0.1", "--ServerApp.port={port}",
        "--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", f"--ServerApp.root_dir={home / 'notebooks'}",
        "--LabApp.expose_app_in_browser=True", "--LabApp.extension_manager=readonly",
    )  # fmt: skip
    with served(home, "jupyterlab", *options, token=token, **settings) as place:
        try:
            yield place
        finally:
            for kernel in place.ask("GET", "/api/kernels"):
                place.ask("DELETE", f"/api/kernels/{kernel['id']}")


@contextmanager
def voila(home: Path) -> Iterator[Place]:
    """Run a Voila that serves a folder of notebooks."""
    (home / "notebooks").mkdir(parents=True)
    options = ("--no-browser", "--Voila.ip=127.0.0.1", "--port={port}", "--token=", str(home / "notebooks"))
    with served(home, "voila", *options, token="") as place:
        yield place


@contextmanager
def marimo(home: Path, notebook: Path) -> Iterator[Place]:
    """Run a marimo that serves one notebook as an application."""
    options = ("run", str(notebook), "--headless", "--no-token", "--host=127.0.0.1", "--port={port}", "--no-sandbox")
    with served(home, "marimo", *options, token="") as place:
        yield place
