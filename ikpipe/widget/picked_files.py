"""Files that were picked in a browser: what Python knows of them, by the cell that represents each file."""

from collections.abc import Sequence
from typing import Any, NamedTuple, Self

from ikpipe.request.sources import FileSource
from ikpipe.request.values import folder_levels
from ikpipe.widget.messages import BrowserFile
from ikpipe.widget.picture_edits import PictureEdit


class PickedFile(NamedTuple):
    """A file that only a browser can read: the cell that represents it, its size in bytes, and its upload folder.

    `path` is the folder that it was picked in, `modified` the time of its last change in milliseconds. `picture` is
    what is done to it before it is sent; `size` is that of the result then, and `original_size` its own.
    """

    cell: str
    name: str
    size: int
    type: str
    folder: str | None
    path: str = ""
    modified: float | None = None
    picture: PictureEdit | None = None
    original_size: int | None = None

    @classmethod
    def from_message(cls, file: BrowserFile, cell: str, parent: Sequence[str]) -> Self:
        """Return a file as a page described it; the folder it was picked in goes below `parent`."""
        levels = folder_levels(file.path)
        folder = "/".join(["", *parent, *levels]) if levels else None
        return cls(cell, file.name, file.size, file.type, folder, file.path, file.modified)

    def edited(self, text: str | None) -> Self:
        """Return the file with other edits of its picture, as a page described them; None is the original."""
        original = self.size if self.original_size is None else self.original_size
        if text is None:
            return self._replace(size=original, picture=None, original_size=None)
        edit = PictureEdit.read(text)
        return self._replace(size=edit.size, picture=edit, original_size=original)

    def identity(self) -> dict[str, Any]:
        """Return what a page recognizes it by if the user chooses it again, besides its size."""
        size = {} if self.original_size is None else {"size": self.original_size}
        return {"name": self.name, "path": self.path, "modified": self.modified, **size}


class PickedFiles:
    """The picked files of one uploader's rows."""

    def __init__(self) -> None:
        self._files: dict[str, tuple[str, FileSource]] = {}

    def add(self, row_id: str, file: PickedFile) -> None:
        """Add the file of a row."""
        self._files[file.cell] = row_id, FileSource("held", file.name, file.cell, size=file.size)

    def remove(self, file: PickedFile) -> None:
        """Remove a file."""
        self._files.pop(file.cell, None)

    def source(self, cell: str) -> FileSource | None:
        """Return the file that a cell represents, None if it is not a picked file's."""
        return self._files.get(cell, (None, None))[1]

    def row_id(self, source: FileSource) -> str:
        """Return the row of a file, `""` if it was removed."""
        return self._files.get(source.text, ("", None))[0]
