"""`ikpipe emulator` in a process of its own."""

from __future__ import annotations

import re
import shlex
import signal
from typing import TYPE_CHECKING

import httpx
import pytest
from shell import process

if TYPE_CHECKING:
    from pathlib import Path

    from shell import Ikp


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_serves_until_a_signal(ikp: Ikp, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, number: int) -> None:
    """It prints its address and the lines to export once it is ready, and ends with status 0."""
    options = ("--directory", str(tmp_path / "library"), "--set", "imagekit_id=shop", "--private-key", "private_of;a$")
    with process("emulator", *options) as running:
        assert running.stdout is not None
        lines = [running.stdout.readline() for _ in range(6)]
        for line in lines[1:]:
            name, _, value = line.removeprefix("export ").partition("=")
            monkeypatch.setenv(name, shlex.split(value)[0])
        listed = ikp("files")
        running.send_signal(number)
        rest, _ = running.communicate(timeout=20)
    assert re.fullmatch(r"# ikpipe emulator at http://127\.0\.0\.1:\d+\n", lines[0])
    assert any(re.fullmatch(r"export IMAGEKIT_URL_ENDPOINT=http://127\.0\.0\.1:\d+/shop\n", line) for line in lines)
    assert listed.status == 0
    assert (running.returncode, rest) == (0, "")


def test_faults(tmp_path: Path) -> None:
    """`--fault` makes uploads go wrong as often as it says, and the emulator tells how often it did."""
    with process("emulator", "--directory", str(tmp_path), "--fault", "5xx=1", "--fault", "slow=0") as running:
        assert running.stdout is not None
        url = running.stdout.readline().split()[-1]
        answer = httpx.post(f"{url}/api/v2/files/upload", data={"fileName": "a.jpg"})
        told = httpx.get(f"{url}/emulator/faults").json()
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=20)
    assert answer.status_code >= 500
    assert {kind: line["fired"] for kind, line in told.items()} == {"5xx": 1, "slow": 0}


def test_moment_at_which_a_fault_spends_the_token(tmp_path: Path) -> None:
    """`--spends` has the token looked at before the fault strikes: an upload without one gets the ordinary refusal."""
    options = ("--fault", "5xx=1", "--spends", "5xx=received")
    with process("emulator", "--directory", str(tmp_path), *options) as running:
        assert running.stdout is not None
        url = running.stdout.readline().split()[-1]
        answer = httpx.post(f"{url}/api/v2/files/upload", data={"fileName": "a.jpg"})
        running.send_signal(signal.SIGTERM)
        running.communicate(timeout=20)
    assert answer.json()["message"] == "Your request is missing token parameter."


def exports(text: str) -> dict[str, str]:
    """Read the lines that `ikpipe emulator` prints for a shell."""
    pairs = (line.removeprefix("export ").partition("=") for line in text.splitlines() if line.startswith("export "))
    return {name: shlex.split(value)[0] for name, _, value in pairs}


def test_keys_are_kept_with_the_directory(tmp_path: Path) -> None:
    """Two starts print the same random keys, so that exported ones go on working."""
    seen = []
    for _ in range(2):
        with process("emulator", "--directory", str(tmp_path / "service")) as running:
            assert running.stdout is not None
            lines = [running.stdout.readline() for _ in range(6)]
        seen.append(exports("".join(lines)))
    assert seen[0]["IMAGEKIT_PRIVATE_KEY"] == seen[1]["IMAGEKIT_PRIVATE_KEY"]
    assert len(seen[0]["IMAGEKIT_PRIVATE_KEY"]) > len("private_")


def test_other_host_names_are_served_if_they_are_named() -> None:
    """`--allow-host`, for containers and tunnels; no other name is."""
    with process("emulator", "--allow-host", "emulator") as running:
        assert running.stdout is not None
        url = running.stdout.readline().split()[-1]
        answers = [httpx.get(f"{url}/emulator/log", headers={"Host": name}) for name in ("emulator", "evil.example")]
    assert [answer.status_code for answer in answers] == [200, 403]
    assert "--allow-host evil.example" in answers[1].json()["message"]
