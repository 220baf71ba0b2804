"""Shared journals of ikpipe before 1.0, in which each part of a table had its own entries.

They are found by the part as a whole, so only if it has the same rows again. Nothing is written to them::

    PART/TIME-WHO-NUMBER.jsonl  entries of a part: a list each, the kind first, last the hash of what is sent of the row
                                (or null) and the MAC; PART is a hash of the part's rows, and a row its number there
"""

import json
from collections import defaultdict
from typing import Any

from ikpipe.journal.entries import Entry, Intent, IntentVoided, RowEnded, RowPrepared
from ikpipe.journal.shared_entries import KINDS, Proof, Said, complete_lines, damaged, unproven, writer_of
from ikpipe.journal.storage import Storage

_OLDEST: dict[str, type[Entry]] = {"Begun": RowPrepared, "Intent": Intent, "Settled": IntentVoided, "Ended": RowEnded}
"""The tags of format 2, whose entries have no MAC."""


def part_lines(storage: Storage, place: str, part: str, proof: Proof) -> dict[int, list[Said]]:
    """Return what the journal of a part says of its rows, by their numbers there."""
    rows: dict[int, list[Said]] = defaultdict(list)
    for name in storage.names(part):
        try:
            lines = complete_lines(storage.read(name) or b"")
            for number, line in enumerate(lines):
                said = _read(json.loads(line), name, number, place, proof)
                rows[said.entry.position].append(said)
        except (ValueError, KeyError, TypeError):
            raise damaged(place, name) from None
    return rows


def _read(parts: list[Any], name: str, number: int, place: str, proof: Proof) -> Said:
    """Return what a line says; it is proven, or trusted."""
    tag, *values = parts
    if tag in _OLDEST:
        if not proof.trust:
            raise unproven(f"{place}/{name}", earlier=True)
        return Said(_entry(_OLDEST[tag], values), None, writer_of(name))
    kind, mac = KINDS[tag], bytes.fromhex(values.pop())
    message = f"{name} {number} {json.dumps([tag, *values])}".encode()
    if not proof.trust and not proof.seal.proves(message, mac):
        raise unproven(f"{place}/{name}", earlier=False)
    content = values.pop()
    if not isinstance(content, str | None):
        raise TypeError
    return Said(_entry(kind, values), content, writer_of(name))


def _entry(kind: type[Entry], values: list[Any]) -> Entry:
    entry = kind(*values)
    if type(entry.position) is not int:
        raise TypeError
    return entry
