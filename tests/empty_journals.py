"""Journals that no run makes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import ikpipe
from ikpipe.journal.entries import TableComplete, TablePiece
from ikpipe.journal.sqlite import SQLiteJournal

if TYPE_CHECKING:
    from pathlib import Path

OWNER = ikpipe.Account("public_owner", "private_owner")


def begun(path: Path) -> SQLiteJournal:
    """Begin a journal of no frame at all."""
    journal = SQLiteJournal.make(path, OWNER)
    journal.begin({"run": "r"})
    journal.write([TablePiece(0, 7, "cells", "head"), TablePiece(7, 2, "more"), TableComplete(9)])
    return journal


def refused(path: Path) -> str:
    """Open a journal that cannot be, and give the words."""
    with pytest.raises(ikpipe.JournalError) as caught:
        SQLiteJournal.open(path, OWNER)
    assert str(path) in str(caught.value)
    return str(caught.value)
