"""Join the files of a shared journal: a run of many small parts leaves many small files.

`compact` writes what they say in few files, and then removes them.
"""

import logging
import time
import uuid
from collections import defaultdict
from collections.abc import Iterable, Sequence

from ikpipe.errors import JournalError
from ikpipe.journal.segments import ALL, ROWS, contents_of
from ikpipe.journal.shared_entries import (
    ID_DIGITS,
    Proof,
    RowStory,
    Said,
    complete_lines,
    has_entries,
    line_of,
    read_line,
    shortened,
    time_of,
)
from ikpipe.journal.storage import Storage

_MANY = 200  # files that are joined into fewer
_SIZE = 4_000_000  # characters of such a file, about
_CLAIMS = "joining"  # the folder in which machines note that they join files
_FULL, _OPEN = ".full.jsonl", ".jsonl"  # how names of files end that are never joined again, and of others
_KEPT = 400 * 86_400  # seconds for which a row that is uploaded is known
_log = logging.getLogger("ikpipe")


def compact(storage: Storage, place: str, proof: Proof, upload: str | None = None) -> None:
    """Join the files of a journal, if there are many small ones; leave out what is older than a year.

    `upload` is the id of an upload whose machines all call this: one of them joins the files. Files that this account
    has not written, or that are damaged, stay as they are: whoever needs their rows says so.
    """
    storage.remove_abandoned()
    names = [name for name in storage.below(ROWS) if has_entries(name)]
    if sum(not name.endswith(_FULL) for name in names) < _MANY or not _is_first(storage, upload):
        return
    oldest = time.time_ns() - _KEPT * 10**9
    old_or_small = [one for one in names if not one.endswith(_FULL) or time_of(one) < oldest]
    joined, rows = _read(storage, place, proof, old_or_small)
    kept = [(row, said) for row, said in rows if time_of(said[-1].origin) >= oldest or not RowStory.of(said).settled]
    try:
        _check_removal(storage)
        _write_joined(storage, sorted(kept, key=lambda one: one[1][-1].origin), proof)
        for name in joined:
            storage.remove(name)
        if upload is not None:
            storage.remove(f"{_CLAIMS}/{upload}")
    except JournalError as error:
        _log.info("Files of the journal %s were not joined, so it takes longer to read. %s", place, error)


def _is_first(storage: Storage, upload: str | None) -> bool:
    """Whether no other machine joins the files for an upload; two at the same moment do no harm."""
    if upload is None:
        return True
    name, claim = f"{_CLAIMS}/{upload}", uuid.uuid4().hex.encode()
    if storage.read(name) is None:
        storage.write(name, claim, new=True)
    return storage.read(name) == claim


def _read(
    storage: Storage, place: str, proof: Proof, names: Sequence[str]
) -> tuple[list[str], list[tuple[str, list[Said]]]]:
    """Return which files can be joined, and what they say of each row, in order."""
    rows: dict[str, dict[str, Said]] = defaultdict(dict)
    joined = []
    for name, content in contents_of(storage, names):
        try:
            lines = complete_lines(content or b"")
            said = [read_line(line, 0, name, at, place, proof) for at, line in enumerate(lines)]
        except (JournalError, ValueError):
            continue
        joined.append(name)
        for line, one in zip(lines, said, strict=True):
            rows[line[2 : 2 + ID_DIGITS]][one.origin] = one
    return joined, [(row, [some[origin] for origin in sorted(some)]) for row, some in rows.items()]


def _check_removal(storage: Storage) -> None:
    """Raise `JournalError` if no file can be removed: then joined files would be written each time."""
    name = f"{ROWS}/{ALL}/{uuid.uuid4().hex}"
    storage.write(name, b"")
    storage.remove(name)


def _write_joined(storage: Storage, rows: Iterable[tuple[str, list[Said]]], proof: Proof) -> None:
    """Write what is known of rows, which are sorted by the time of their last entry, in files of about `_SIZE`."""
    writer, files = uuid.uuid4().hex[:8], 0
    pending: list[tuple[str, Said]] = []
    last = size = 0
    for row, said in rows:
        some = [(row, one) for one in shortened(said)]
        pending += some
        size += sum(len(str(one)) for one in some)
        last = time_of(said[-1].origin)
        if size >= _SIZE:
            _write(storage, f"{last:020}-{writer}-{files:06}{_FULL}", pending, proof)
            pending, size, files = [], 0, files + 1
    if pending:
        _write(storage, f"{last:020}-{writer}-{files:06}{_OPEN}", pending, proof)


def _write(storage: Storage, name: str, told: Iterable[tuple[str, Said]], proof: Proof) -> None:
    """Write lines of rows in the folder of all."""
    name = f"{ROWS}/{ALL}/{name}"
    lines = [line_of(row, one, name, n, proof.seal) for n, (row, one) in enumerate(told)]
    storage.write(name, "\n".join(lines).encode())
