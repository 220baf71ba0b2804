"""A run that is killed while it downloads leaves a temporary folder, which the next run removes."""

from __future__ import annotations

import signal
import socket
import tempfile
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from shell import process, variables, wait_for

if TYPE_CHECKING:
    from pathlib import Path

    from shell import Ikp

    from ikpipe.emulator import Emulator

COMMAND = (
    *("upload", "table.csv", "-o", "out.csv", "--map", "file=url", "--set", "file_name={sku}.png"),
    *("--fetch", "client", "--fetch-host", "127.0.0.1", "--journal", "run.ikjournal"),
)


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="there is no such signal")
@pytest.mark.usefixtures("signed_in")
def test_a_download_that_was_killed(
    ikp: Ikp, emulator: Emulator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run in progress keeps its folder; that of a killed one is removed with its download."""
    folders = tmp_path / "temporary"
    folders.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folders))
    with ExitStack() as closing, socket.create_server(("127.0.0.1", 0)) as host:
        address = f"http://127.0.0.1:{host.getsockname()[1]}/a.png"
        (tmp_path / "table.csv").write_text(f"sku,url\n1,{address}\n", encoding="utf-8")
        words = ["other.csv", *COMMAND[2:-1], "other.ikjournal"]
        (tmp_path / "other.csv").write_text('sku,url\n1,"data:image/png;base64,MQ=="\n', encoding="utf-8")
        with process(*COMMAND, **variables(emulator), TMPDIR=str(folders)) as running:
            connection = closing.enter_context(host.accept()[0])
            connection.recv(65536)
            connection.sendall(
                b"HTTP/1.1 200 OK\r\nContent-Type: image/png\r\nContent-Length: 9000\r\n\r\n" + b"1" * 99
            )
            wait_for(lambda: [file for file in folders.glob("*/*") if not file.name.startswith(".")])
            assert ikp("upload", *words).status == 0
            assert len(list(folders.iterdir())) == 1
            running.kill()
            running.wait()
    assert len(list(folders.iterdir())) == 1
    assert ikp("upload", words[0], *words[1:-1], "third.ikjournal").status == 0
    assert list(folders.iterdir()) == []
