"""A part of an upload in another process."""

from __future__ import annotations

import pickle
from typing import TYPE_CHECKING

from parts import elsewhere, plan, stored, table

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.emulator import Emulator


def test_another_process_makes_the_same_names(emulate: Callable[..., Emulator], tmp_path: Path) -> None:
    """A pickled upload is complete, except for the key, which is in the environment of the other process."""
    emulator = emulate()
    upload = plan(emulator.account)
    upload(table())
    (tmp_path / "plan").write_bytes(pickle.dumps((upload, table())))
    script = "import pickle, sys; u, t = pickle.load(open(sys.argv[1], 'rb')); print(*u(t)['ik_status'])"
    done = elsewhere(script, tmp_path / "plan", {"IMAGEKIT_PRIVATE_KEY": emulator.private_key})
    assert done.stdout.split() == ["exists"] * 6, done.stderr
    assert stored(emulator) == 6


def test_a_machine_without_the_key_says_what_to_set(account: Account, tmp_path: Path) -> None:
    """The error names the environment variable and the alternative."""
    (tmp_path / "plan").write_bytes(pickle.dumps((plan(account), table(1))))
    script = "import pickle, sys; u, t = pickle.load(open(sys.argv[1], 'rb')); u(t)"
    done = elsewhere(script, tmp_path / "plan", {})
    assert "set IMAGEKIT_PRIVATE_KEY in the environment of each worker, or use profile=" in done.stderr
