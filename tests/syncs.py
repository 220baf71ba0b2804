"""Folders that are synced, and what the library has of them."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING, Any

import httpx

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import pandas as pd

    from ikpipe import Account
    from ikpipe.emulator import Emulator

_AGO = 60  # seconds: a file that was changed just now is read again each time


def write_tree(root: Path, files: Mapping[str, str]) -> None:
    """Write files, by their paths, as if they had been written a minute ago."""
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.utime(file, (time.time() - _AGO,) * 2)


def synced(source: Any, account: Account, folder: str, **options: Any) -> pd.DataFrame:
    """Sync without a display."""
    return ikpipe.sync(source, account, folder, progress=False, **options)


def library(emulator: Emulator, folder: str) -> dict[str, bytes]:
    """Return the content of the files in a folder of the library, by their paths below it."""
    found = ikpipe.files(emulator.account)
    paths = dict(zip(found["filePath"], found["fileId"], strict=True)) if len(found) else {}
    start = folder.rstrip("/") + "/"
    content = {}
    with httpx.Client(verify=False) as client:  # noqa: S501 - on loopback, without TLS
        for path in sorted(one for one in paths if one.startswith(start)):
            answer = client.get(ikpipe.url(path, emulator.account), params={"tr": "orig-true"})
            content[path.removeprefix(start)] = answer.raise_for_status().content
    return content


def actions(frame: pd.DataFrame) -> dict[str, str]:
    """Return the action of each file: by its path in the source, or that in the library."""
    places = frame["file"].tolist()
    others = frame["ik_target" if "ik_target" in frame else "ik_file_path"].tolist()
    named = [own if isinstance(own, str) else other for own, other in zip(places, others, strict=True)]
    return dict(zip(named, frame["ik_action"].tolist(), strict=True))
