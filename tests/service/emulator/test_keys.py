"""The account's keys: random, kept in the directory, and never guessable by a web page."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

import pytest

from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from pathlib import Path


def pair(emulator: Emulator) -> tuple[str, str]:
    """Return an emulator's keys."""
    return emulator.public_key, emulator.private_key


def test_keys_are_random() -> None:
    """Each emulator has its own keys."""
    with Emulator() as one, Emulator() as other:
        assert len({*pair(one), *pair(other)}) == 4
        assert one.private_key.startswith("private_")


def test_a_restart_in_the_same_directory_keeps_them(tmp_path: Path) -> None:
    """A restart has the same keys."""
    with Emulator(tmp_path) as emulator:
        before = pair(emulator)
    with Emulator(tmp_path) as again:
        assert pair(again) == before
    with Emulator(tmp_path / "other") as other:
        assert not {*pair(other)} & {*before}


def test_only_the_owner_can_read_them(tmp_path: Path) -> None:
    """The key file is readable only by its owner, whatever the umask is."""
    with Emulator(tmp_path) as emulator:
        kept = [
            path for path in tmp_path.iterdir() if path.is_file() and emulator.private_key in path.read_text("latin-1")
        ]
        assert [stat.S_IMODE(path.stat().st_mode) for path in kept] == [0o600]


def test_keys_that_are_given_win_and_are_not_kept(tmp_path: Path) -> None:
    """One key or both can be set."""
    with Emulator(tmp_path) as emulator:
        kept = pair(emulator)
    with Emulator(tmp_path, public_key="public_a", private_key="private_b") as emulator:
        assert pair(emulator) == ("public_a", "private_b")
    with Emulator(tmp_path, private_key="private_b") as emulator:
        assert pair(emulator) == (kept[0], "private_b")
    with Emulator(tmp_path) as emulator:
        assert pair(emulator) == kept


@pytest.mark.parametrize("text", ["", "{", "[]", '{"public_key": "a"}'])
def test_keys_that_cannot_be_read_are_an_error(tmp_path: Path, text: str) -> None:
    """An invalid key file is an error; no new keys are made in its place."""
    (tmp_path / "keys.json").write_text(text)
    with pytest.raises(ValueError, match=r"keys\.json does not contain"), Emulator(tmp_path):
        pass
