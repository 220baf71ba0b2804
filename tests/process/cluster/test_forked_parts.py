"""Parts of an upload in processes that are copies of the one that prepared it."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import pytest
from parts import elsewhere

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator

SCRIPT = """
import os, sys
from parts import plan, table
import ikpipe

state = sys.argv[1] + "/"
rows = table(200).assign(description="a" * 800)  # more than is read at once
upload = plan(ikpipe.Account.from_env(), state=state, on_existing="sync")
assert {*upload(rows)["ik_status"]} == {"uploaded"}
children = []
for child in range(4):
    if not (pid := os.fork()):
        parts = [rows.iloc[child::4]] * 8
        wrong = [one for part in parts for one in upload(part)["ik_status"] if one != "unchanged"]
        os._exit(1 if wrong else 0)
    children.append(pid)
results = upload(rows)
codes = [os.waitpid(pid, 0)[1] for pid in children]
print({*results["ik_status"]}, codes)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")
def test_copies_of_a_process_do_not_share_what_it_has_open(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """Listings and states are in temporary files, whose position all copies would share."""
    emulator = emulate()
    environment = {
        "IMAGEKIT_PUBLIC_KEY": emulator.public_key,
        "IMAGEKIT_PRIVATE_KEY": emulator.private_key,
        "IMAGEKIT_UPLOAD_URL": emulator.upload_url,
        "IMAGEKIT_API_URL": emulator.url,
        "IMAGEKIT_URL_ENDPOINT": emulator.account.url_endpoint,
        "PYTHONPATH": ":".join(sys.path),
    }
    done = elsewhere(SCRIPT, tmp_path / "state", environment)
    assert done.stdout == "{'unchanged'} [0, 0, 0, 0]\n", done.stderr
    assert len(ikpipe.files(emulator.account)) == 200
