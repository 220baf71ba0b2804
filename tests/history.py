"""A history checker: the emulator's log as the ledger, beside the journal and the results of the run."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from doubles import uploads_of
from rows import sha

from ikpipe.journal import history
from ikpipe.journal.sqlite import SQLiteJournal
from ikpipe.request.token import LocalSigner

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe.emulator import Emulator

UP = {"uploaded", "exists", "accepted"}


def violations(emulator: Emulator, results: pd.DataFrame) -> list[str]:
    """Compare what arrived and was stored with what the journal and the results say; an empty list is a good one.

    Each row's file must have bytes of its own, in the column `file`.
    """
    ledger = uploads_of(emulator)
    arrived = [entry for entry in ledger if "file" in entry]
    stored: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for entry in arrived:
        if entry["stored"]:
            stored[entry["file"]["sha256"]].append(entry)
    found = [f"stored {len(every)} times: {every[0]['filePath']}" for every in stored.values() if len(every) > 1]
    for label, row in results.iterrows():
        found += [f"row {label}: {words}" for words in _of_row(row, stored.get(sha(row["file"]), []))]
    return found + _of_journal(emulator, arrived, results)


def _of_row(row: Any, stored: list[dict[str, Any]]) -> list[str]:
    """Hold a row's last word to the ledger."""
    status = row["ik_status"]
    if status in UP and not stored:
        return [f"{status}, and nothing is stored"]
    if status in UP and row["ik_file_id"] not in {entry["fileId"] for entry in stored}:
        return [f"{status}, with the details of another file"]
    if status in ("failed", "invalid", "cancelled") and stored:
        return [f"{status} ({row['ik_error']}), and it is stored"]
    return []


def _of_journal(emulator: Emulator, arrived: list[dict[str, Any]], results: pd.DataFrame) -> list[str]:
    """Every request has its intent, which is older; every row its end, which is that of the results."""
    with SQLiteJournal.open(Path(results.attrs["ikpipe"]["journal"]), emulator.account) as journal:
        stories = dict(journal.records())
    intents = _intents(emulator, stories)
    found = [
        f"sent without an intent: {entry['fields']['fileName']}"
        for entry in arrived
        if entry["token"] is not None and intents.get(entry["token"], float("inf")) > entry["time"]
    ]
    for position, status in enumerate(results["ik_status"]):
        story = stories.get(position)
        kept = None if story is None or story.result is None else history.read(story.result).status
        if status not in ("cancelled", kept):
            found.append(f"position {position}: {status} in the results, {kept} in the journal")
    return found


def _intents(emulator: Emulator, stories: dict[int, Any]) -> dict[str, float]:
    """Give each token that the journal knows, as the log shows it, and when it was first to leave."""
    sign = LocalSigner(emulator.account).sign_at
    found: dict[str, float] = {}
    for story in stories.values():
        for intent in story.intents:
            token = sign(history.RowHistory(history.Result("unknown"), story.prepared).fields, intent.iat, intent.exp)
            digest = hashlib.sha256(token.text.rpartition(".")[0].encode()).hexdigest()
            found.setdefault(digest, intent.at)
    return found


def sent_again(emulator: Emulator) -> int:
    """Count the requests beyond the first of each file."""
    counts = Counter(entry["file"]["sha256"] for entry in uploads_of(emulator) if "file" in entry)
    return sum(counts.values()) - len(counts)


def ledger(emulator: Emulator) -> Counter[str]:
    """Count how often each file was stored, by its bytes."""
    return Counter(entry["file"]["sha256"] for entry in emulator.log() if entry.get("stored"))
