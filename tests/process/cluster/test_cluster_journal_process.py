"""Shared journals, written by processes that are killed."""

from __future__ import annotations

import pickle
import signal
from typing import TYPE_CHECKING

import pytest
from parts import elsewhere, plan, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator


@pytest.mark.parametrize("place", ["{}", "file://{}"])
def test_a_process_that_is_killed_while_writing_leaves_a_usable_journal(
    place: str, emulate: Callable[..., Emulator], tmp_path: Path
) -> None:
    """For example, the disk is full in the middle of an entry."""
    emulator = emulate()
    upload = plan(emulator.account, journal=place.format(tmp_path / "journal"), use_unique_file_name=False)
    (tmp_path / "plan").write_bytes(pickle.dumps((upload, table(30))))
    script = """
import pickle, resource, signal, sys
upload, rows = pickle.load(open(sys.argv[1], "rb"))
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
resource.setrlimit(resource.RLIMIT_FSIZE, (3000, 3000))
upload(rows)
"""
    done = elsewhere(script, tmp_path / "plan", {"IMAGEKIT_PRIVATE_KEY": emulator.private_key})
    assert done.returncode == -signal.SIGXFSZ, done.stderr
    assert set(upload(table(30))["ik_status"]) <= {"uploaded", "exists"}
