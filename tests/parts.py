"""Rows with files, their prepared upload, and other processes that run it."""

from __future__ import annotations

import os
import subprocess
import sys
import uuid
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

import ikpipe
from ikpipe import Policy, cluster

if TYPE_CHECKING:
    from ikpipe import Account
    from ikpipe.emulator import Emulator

SWIFT = Policy(index_lag=0.1, first_wait=0.01)


def gif(colour: int) -> bytes:
    """Return an image of one pixel."""
    return b"GIF89a\1\0\1\0\x80\0\0" + bytes([colour] * 6) + b",\0\0\0\0\1\0\1\0\0\2\2D\1\0;"


def table(rows: int = 6) -> pd.DataFrame:
    """Return rows with images, all different."""
    return pd.DataFrame({"sku": [f"s{row}" for row in range(rows)], "file": [gif(row) for row in range(rows)]})


def plan(account: Account, **options: Any) -> cluster.PreparedUpload:
    """Prepare an upload of such rows."""
    usual = {"slots": 1, "file_name": "{sku}.gif", "folder": "/part/", "policy": SWIFT}
    return cluster.prepare(account, **usual | options)


def anew(upload: cluster.PreparedUpload) -> cluster.PreparedUpload:
    """Return an upload as another process has it, which has read nothing of the journal yet."""
    return replace(upload, id=uuid.uuid4().hex)


def elsewhere(script: str, path: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a script in another process."""
    command = [sys.executable, "-c", script, str(path)]
    environment = {**os.environ, **environment}
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)  # noqa: S603


def installed(folder: Path, version: str) -> dict[str, str]:
    """Install this package with another number of its version, and return the environment that uses it."""
    (folder / "ikpipe").symlink_to(Path(ikpipe.__file__).parent)
    info = folder / f"ikpipe-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: ikpipe\nVersion: {version}\n")
    return {"PYTHONPATH": str(folder)}


def stored(emulator: Emulator) -> int:
    """Return the number of files in the media library."""
    return len(ikpipe.files(emulator.account))
