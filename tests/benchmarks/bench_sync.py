"""A folder of 20,000 small files and the emulator: the first sync, one with nothing to do, and one with few changes.

The counts of each sync are checked, and printed: exactly what differs is sent, moved or deleted.
"""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from bench import Contest
from bench_emulator import emulator_process

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

FILES = 20_000
IN_A_FOLDER = 200
SHARE = 200  # one file in so many is changed, one renamed, and one deleted
_NUMBERS = count()


class SyncedFolder:
    """A folder with files, and an account to sync it with."""

    def __init__(self, root: Path, account: ikpipe.Account, files: int) -> None:
        self._root, self._account = root, account
        self._paths = [Path(f"f{number // IN_A_FOLDER}", f"{number}.bin") for number in range(files)]
        for path in self._paths:
            self._write(path, f"content of {path}")

    def _write(self, path: Path, text: str) -> None:
        file = self._root / path
        file.parent.mkdir(exist_ok=True)
        file.write_text(text, encoding="utf-8")
        long_ago = time.time() - 60  # a file that was changed just now is read again each time
        os.utime(file, (long_ago, long_ago))

    def sync(self, folder: str = "/bench") -> dict[str, int]:
        """Sync the files, and return the number of each action."""
        options: dict[str, Any] = {"delete": True, "dry_run": False, "progress": False}
        frame = ikpipe.sync(self._root, self._account, folder, policy=ikpipe.Policy(changes=500.0), **options)
        assert set(frame["ik_status"].dropna()) <= {"uploaded", "unchanged"}
        assert set(frame["ik_change"]) <= {"none", "done"}
        counts: dict[str, int] = Counter(frame["ik_action"].tolist())
        sys.stderr.write(f"  {dict(counts)}\n")
        return counts

    def change(self) -> None:
        """Change, rename and delete some of the files."""
        number, some = next(_NUMBERS), max(1, len(self._paths) // SHARE)
        changed, renamed, deleted = (self._paths[at * some : (at + 1) * some] for at in range(3))
        for path in changed:
            self._write(path, f"change {number} of {path}")
        others = [path.with_stem(f"renamed{number}-{path.stem}"[:100]) for path in renamed]
        for path, other in zip(renamed, others, strict=True):
            (self._root / path).rename(self._root / other)
        for path in deleted:
            (self._root / path).unlink()
        self._paths = [*self._paths[3 * some :], *changed, *others]
        self.expected = {"replace": len(changed), "move": len(others), "delete": len(deleted)}


@contextmanager
def syncing(rows: int, *, what: str) -> Iterator[Callable[[], None]]:
    """Sync a folder for the first time, again, or with changes."""
    with TemporaryDirectory() as state, TemporaryDirectory() as root, TemporaryDirectory() as library:
        os.environ["XDG_STATE_HOME"] = state
        with emulator_process(library) as service:
            account = ikpipe.Account(
                service.public_key,
                service.private_key,
                upload_url=f"{service.url}/api/v2/files/upload",
                api_url=service.url,
            )
            folder = SyncedFolder(Path(root), account, rows)
            if what != "first":
                folder.sync()

            def run() -> None:
                if what == "first":
                    assert folder.sync(f"/bench{next(_NUMBERS)}") == {"upload": rows}
                    return
                if what == "changes":
                    folder.change()
                counts = folder.sync()
                if what == "again":
                    assert counts == {"unchanged": rows}
                else:
                    assert {name: number for name, number in counts.items() if name != "unchanged"} == folder.expected

            yield run


CONTESTS = [
    Contest(
        "sync of a folder",
        FILES,
        {
            "nothing to do": partial(syncing, what="again"),
            "0.5 % changed, 0.5 % renamed, 0.5 % deleted": partial(syncing, what="changes"),
            "the first sync": partial(syncing, what="first"),
        },
    )
]
