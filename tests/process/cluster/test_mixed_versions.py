"""Two installed versions of ikpipe: what one prepares, the other does not upload."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from parts import elsewhere, installed, plan, table

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe.emulator import Emulator


def test_a_worker_with_another_version_says_so(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """By an error that comes back to the driver as it is, and without a request."""
    emulator = emulate()
    (tmp_path / "plan").write_bytes(pickle.dumps((plan(emulator.account), table(2))))
    environment = {**installed(tmp_path, "7.7.7"), "IMAGEKIT_PRIVATE_KEY": emulator.private_key}
    script = """
import pickle, sys
upload, rows = pickle.load(open(sys.argv[1], "rb"))
try:
    upload(rows)
except Exception as error:
    sys.stdout.buffer.write(pickle.dumps(error, 0))
"""
    before = len(emulator.log())
    done = elsewhere(script, tmp_path / "plan", environment)
    error = pickle.loads(done.stdout.encode())  # noqa: S301 - our own
    assert isinstance(error, ikpipe.Error)
    assert f"prepared by ikpipe {ikpipe.__version__}, but the machine" in str(error)
    assert "has ikpipe 7.7.7" in str(error)
    assert len(emulator.log()) == before
