"""Two installed versions of ikpipe: what one prepares, the other does not upload."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING

from parts import elsewhere, plan, table

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator


def installed(folder: Path, version: str) -> dict[str, str]:
    """Install this package with another number of its version, and return the environment that uses it."""
    (folder / "ikpipe").symlink_to(Path(ikpipe.__file__).parent)
    info = folder / f"ikpipe-{version}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: ikpipe\nVersion: {version}\n")
    return {"PYTHONPATH": str(folder)}


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
    assert f"prepared by ikpipe {ikpipe.__version__}, and the machine" in str(error)
    assert "has ikpipe 7.7.7" in str(error)
    assert len(emulator.log()) == before
