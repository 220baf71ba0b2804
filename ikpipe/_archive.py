"""Where runs' journals are: begun, gone on with, found again, and cleared away."""

from __future__ import annotations

import time
import uuid
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe._errors import JournalError
from ikpipe._frame import freeze, pieces, tagged, thaw
from ikpipe._journal import Journal

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    from ikpipe._account import Account
    from ikpipe._journal import Story
    from ikpipe._options import Options

KEPT = 7 * 86_400  # seconds for which the journal of a run that had no more to do is kept, in the user's state folder
ENDING = ".ikjournal"


class Work(NamedTuple):
    """What a run is to do: rows and how they are mapped; `again`, where they are results of an earlier run."""

    frame: pd.DataFrame
    mapping: Mapping[str, Any]
    again: bool


def folder() -> Path:
    """Give the folder of journals that nobody named a place for."""
    from platformdirs import user_state_path

    return user_state_path("ikpipe") / "journals"


def begin(path: str | Path | None, work: Work, account: Account, options: Options) -> Journal:
    """Begin a run's journal; one that is there already, of the very same work, is gone on with.

    Parameters
    ----------
    path
        The file; None makes one in the user's state folder.

    Raises
    ------
    JournalError
        It cannot be made, or is another run's.
    """
    head, place = freeze(work.frame), Path(path) if path is not None else _new_path()
    facts = {
        "run": uuid.uuid4().hex,
        "begun": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "rows": len(work.frame),
        "again": work.again,
        "public_key": account.public_key,
        "mapping": tagged.encode(dict(work.mapping)),
        "sending": options.kept(),
    }
    journal = Journal.make(place)
    try:
        if not journal.begun:
            journal.begin(facts, head, pieces(work.frame))
            return journal
        before = journal.facts
        same = all(before[name] == facts[name] for name in ("again", "public_key", "mapping"))
        if not same or not journal.is_of(head, pieces(work.frame)):
            raise JournalError(
                f"The journal {place} is that of another run, begun {before['begun']}: its table, mapping or account "
                "is another one. Name another file with journal=, or resume this one."
            )
    except BaseException:
        journal.close()
        raise
    return journal


def found(path: str | Path, account: Account) -> tuple[Journal, Work]:
    """Open the journal of a run that was cut off, and give what the run was to do.

    Raises
    ------
    JournalError
        There is none, it cannot be used, or the run is another account's.
    """
    place = Path(path)
    if not place.is_file():
        others = [one.path for one in unfinished()]
        words = f" Runs that can be resumed: {', '.join(map(str, others))}." if others else ""
        raise JournalError(f"There is no journal {place}.{words}")
    journal = Journal.open(place)
    try:
        facts = journal.facts
        if facts["public_key"] != account.public_key:
            raise JournalError(
                f"The journal {place} is of the account {facts['public_key']}, and not of {account.public_key}: resume "
                "it with the keys that it was begun with."
            )
        frame, mapping = thaw(journal.head(), journal.pieces()), tagged.decode(facts["mapping"])
    except ValueError as error:
        journal.close()
        raise JournalError(f"The journal {place} is damaged: {error}.") from None
    except BaseException:
        journal.close()
        raise
    return journal, Work(frame, mapping, facts["again"])


def earlier(results: pd.DataFrame, account: Account) -> list[tuple[int, Story]]:
    """Give what the journal of the run that gave these results knows; nothing if it is gone, or another account's."""
    path = results.attrs.get("ikpipe", {}).get("journal")
    if path is None:
        return []
    with suppress(JournalError), Journal.open(Path(path)) as journal:
        if journal.facts["public_key"] == account.public_key:
            return list(journal.stories())
    return []


class Unfinished(NamedTuple):
    """A run that was cut off: its journal, when it began, its rows."""

    path: Path
    begun: str
    rows: int


def unfinished() -> Iterator[Unfinished]:
    """Give the runs of the user's state folder that were cut off, the latest first; those under way are none."""
    for path in sorted(folder().glob(f"*{ENDING}"), reverse=True):
        with suppress(JournalError), Journal.open(path) as journal:
            if journal.ended is None:
                yield Unfinished(path, journal.facts["begun"], journal.facts["rows"])


def clear(now: float) -> None:
    """Remove from the user's state folder the old journals of runs that have nothing to do any more."""
    for path in folder().glob(f"*{ENDING}"):
        with suppress(JournalError, OSError):
            if path.stat().st_mtime > now - KEPT:
                continue
            with Journal.make(path) as journal:  # of a process that was killed at once, it was never begun
                done = not journal.begun or journal.ended is not None
            if done:
                path.unlink()


def _new_path() -> Path:
    """Choose a file for a run that nobody named one for, and clear old ones away."""
    try:
        folder().mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalError(
            f"The folder for journals {folder()} cannot be made: {error.strerror}; name a file with journal=."
        ) from None
    clear(time.time())
    return folder() / f"{time.strftime('%Y%m%dT%H%M%S', time.gmtime())}-{uuid.uuid4().hex[:8]}{ENDING}"
