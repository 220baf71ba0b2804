"""Files of the uploader's `root` that a page adds by a pattern. A page names no path, and reads nothing outside."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe.errors import Error, MappingError
from ikpipe.request.parameters import PATH
from ikpipe.run.syncing.local_folder import scan_folder
from ikpipe.run.syncing.patterns import PathFilter
from ikpipe.widget.edited_table import fixed_levels
from ikpipe.widget.folder_messages import MatchFilesMessage
from ikpipe.widget.message_fields import InvalidMessage

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ikpipe.widget.controller import Controller

MAX_FILES = 20_000  # that are added at once
_MOST_STARS = 10  # of a pattern, whose time grows with them
_SHOWN = 20  # names


class FolderFile(NamedTuple):
    """A file: its path below the folder, its real path, and its size in bytes."""

    path: str
    real: str
    size: int


def local_root(mapping: Mapping[str, Any]) -> Path | None:
    """Return the folder of this machine that Python allows, None if there is none."""
    root = mapping["root"]
    return None if root is None or "://" in root else Path(root)


class FolderFiles:
    """Finds and adds files of one uploader's root, in a thread: a folder can be large, or on a slow disk."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._root = local_root(controller.table.input_mapping)
        self.handlers: dict[type[Any], Callable[[Any], None]] = {MatchFilesMessage: self._match}

    def _match(self, message: MatchFilesMessage) -> None:
        if self._root is None:
            raise InvalidMessage("this uploader has no folder", message.request)
        chosen = chosen_files(message.pattern, message.request)
        threading.Thread(target=self._answer, args=(message, chosen), name="ikpipe.folder", daemon=True).start()

    def _answer(self, message: MatchFilesMessage, chosen: PathFilter) -> None:
        controller = self._controller
        assert self._root is not None  # noqa: S101 - for mypy
        try:
            files = files_below(self._root, chosen)
            with controller.lock:
                controller.validate_all()
                sources = [row.view.file for row in controller.rows if row.view.file is not None]
                listed = {source.path for source in sources if source.path is not None}  # real paths
                new = [file for file in files if file.real not in listed]
                ids = self._add([file.path for file in new[:MAX_FILES]]) if message.add else []
        except (Error, OSError) as error:
            head = {"type": "error", "request": message.request, "reason": "failed"}
            controller.send_message({**head, "message": str(error)})
            return
        totals = {"files": len(new), "listed": len(files) - len(new), "bytes": sum(file.size for file in new)}
        names = [file.path for file in new[:_SHOWN]]
        controller.send_message({"type": "matched", "request": message.request, **totals, "names": names, "ids": ids})

    def _add(self, paths: list[str]) -> list[str]:
        """Add rows, whose folders below the root become upload folders, and return their ids."""
        controller = self._controller
        mapping = controller.table.input_mapping
        above = fixed_levels(mapping["parameters"].get("folder"))
        has_path = PATH in mapping["parameters"] or PATH in mapping["columns"]
        rows = controller.add_input(controller.table.files_frame(paths))[0] if paths else []
        for row, path in zip(rows, paths, strict=True):
            row.added = True
            folder = path.rpartition("/")[0]
            if folder and not has_path:
                row.edits["folder"] = "/".join(["", *above, folder])
        controller.send_added(rows)
        return [row.id for row in rows]


def chosen_files(pattern: str, request: str | int | None = None) -> PathFilter:
    """Return what a pattern matches: as for `ikpipe.sync`, but ``**/`` also stands for no folder, as in Python.

    Raise `InvalidMessage` if it is not valid, or a regular expression: those of a page can take for ever.
    """
    clean = pattern.strip().removeprefix("./")
    try:
        if not clean or "{{" in clean or clean.count("*") > _MOST_STARS or ".." in clean.split("/"):
            raise InvalidMessage("pattern is not valid", request, "pattern")
        while clean.startswith("**/"):
            clean = clean.removeprefix("**/")
        return PathFilter([*dict.fromkeys([clean, clean.replace("/**/", "/")])])
    except MappingError as error:
        raise InvalidMessage(str(error), request, "pattern") from None


def files_below(root: Path, chosen: PathFilter) -> list[FolderFile]:
    """Return the files of a folder that are chosen; hidden ones and links that lead out of the folder are not."""
    base = os.path.realpath(root)
    files = []
    for path in scan_folder(root, chosen).files:
        if any(part.startswith(".") for part in path.split("/")):
            continue
        real = Path(os.path.realpath(Path(root, path)))
        if real.is_relative_to(base) and real.is_file():
            files.append(FolderFile(path, str(real), real.stat().st_size))
    return files
