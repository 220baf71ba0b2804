"""`ikpipe doctor` where little works: without a home folder, a network, a terminal or a reader."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pathlib import Path

COMMAND = [sys.executable, "-m", "ikpipe", "doctor"]


def bare(**variables: str) -> dict[str, str]:
    """Return an environment with nothing but some variables, and the folders of the tests."""
    folders = {name: os.environ[name] for name in ("PATH", "XDG_CONFIG_HOME", "XDG_STATE_HOME")}
    return {**folders, **variables}


def test_without_home_and_network() -> None:
    """Each check reports, and all of them end soon: the address is one of documentation, which nobody answers."""
    account = {"IMAGEKIT_PUBLIC_KEY": "public_a", "IMAGEKIT_PRIVATE_KEY": "private_b"}
    away = {"IMAGEKIT_API_URL": "http://192.0.2.1", "IMAGEKIT_UPLOAD_URL": "http://192.0.2.1/upload"}
    start = time.monotonic()
    ran = subprocess.run(COMMAND, env=bare(**account, **away), capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert time.monotonic() - start < 30
    assert ran.returncode == 3
    assert ran.stderr == ""
    assert "problem  Service" in ran.stdout
    assert "private_b" not in ran.stdout


@pytest.mark.skipif(os.name != "posix", reason="no such shell")
@pytest.mark.parametrize("end", [">&-", "2>&-", "| head -1", "</dev/null >/dev/null 2>&1"])
def test_streams_that_are_closed(end: str) -> None:
    """No traceback, whatever is closed."""
    command = f"set -o pipefail; {' '.join(COMMAND)} --offline {end}"
    ran = subprocess.run(["bash", "-c", command], env=bare(), capture_output=True, text=True, check=False)  # noqa: S603, S607
    assert ran.returncode == 3  # there is no account
    assert "Traceback" not in ran.stderr
    assert "Broken pipe" not in ran.stderr


@pytest.mark.skipif(os.name != "posix", reason="no such limits")
def test_few_open_files() -> None:
    """The limit is a warning, with the command that raises it."""
    command = f"ulimit -n 128; {' '.join(COMMAND)} --offline"
    ran = subprocess.run(["bash", "-c", command], env=bare(), capture_output=True, text=True, check=False)  # noqa: S603, S607
    assert "warning  Open files               At most 128" in ran.stdout
    assert "ulimit -n 4096" in ran.stdout


def test_a_terminal_with_another_encoding() -> None:
    """Some characters are shown as codes there."""
    environment = bare(PYTHONIOENCODING="latin-1")
    ran = subprocess.run([*COMMAND, "--offline"], env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert "warning  Terminal" in ran.stdout
    assert "PYTHONUTF8=1" in ran.stdout


def test_packages_that_are_too_old(tmp_path: Path) -> None:
    """They are named with both versions, and the command that upgrades them."""
    for name, version in (("httpx", "0.1.2"), ("pillow", "1.9")):
        folder = tmp_path / f"{name}-{version}.dist-info"
        folder.mkdir()
        (folder / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n", encoding="utf-8")
    environment = bare(PYTHONPATH=str(tmp_path))
    ran = subprocess.run([*COMMAND, "--offline"], env=environment, capture_output=True, text=True, check=False)  # noqa: S603 - ours
    assert "Missing or too old: httpx 0.1.2 (at least 0." in ran.stdout
    assert "Run: pip install --upgrade ikpipe\n" in ran.stdout
    assert "Too old for the extra emulator: pillow 1.9 (at least 1" in ran.stdout


def test_a_narrow_terminal() -> None:
    """Lines are wrapped, and nothing is cut."""
    pexpect = pytest.importorskip("pexpect", reason="no terminals of this kind")
    terminal = pexpect.spawn(
        COMMAND[0], [*COMMAND[1:], "--offline"], env=bare(), encoding="utf-8", timeout=30, dimensions=(40, 40)
    )
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert "No ImageKit account is set up. Run `ikpipe configure`, or set" in " ".join(terminal.before.split())
    assert all(len(line) <= 40 or " " not in line.strip() for line in terminal.before.splitlines())
