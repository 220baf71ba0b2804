"""Read the XML files of an archive, such as a workbook, that anybody may have written."""

import posixpath
from collections.abc import Callable
from typing import IO
from xml.parsers.expat import ParserCreate
from zipfile import ZipFile, ZipInfo

from ikpipe.errors import Error

Attributes = dict[str, str]

_PIECE = 1 << 20
_SMALL, _LARGEST = 32 << 20, 4 << 30  # bytes of a part that need no check, and at most
_RATIO = 150  # of a part's size to its packed size; tables of equal rows have less than 60
_PARTS = 100_000


class Handler:
    """Handles the elements of an XML part: `starts` and `ends` have methods by the names of elements, without prefix.

    `text` has the text since the last start of an element, in pieces.
    """

    starts: dict[str, Callable[[Attributes], None]]
    ends: dict[str, Callable[[], None]]

    def __init__(self) -> None:
        self.text: list[str] = []

    def start(self, name: str, attributes: Attributes) -> None:
        """Handle the start of an element."""
        self.text.clear()
        begin = self.starts.get(name) or self.starts.get(local(name))
        if begin is not None:
            begin(attributes)

    def end(self, name: str) -> None:
        """Handle the end of an element."""
        finish = self.ends.get(name) or self.ends.get(local(name))
        if finish is not None:
            finish()


def local(name: str) -> str:
    """Return the name of an element or attribute without its prefix; which namespace it has depends on the program."""
    return name.rpartition(":")[2]


class Archive:
    """An archive of XML files, whose names are compared as Windows does.

    `stream` needs random access. `name` is for errors. Raise `ikpipe.Error` if the archive unpacks to more than any
    table does.
    """

    def __init__(self, stream: IO[bytes], name: str) -> None:
        self.name = name
        self._zip = ZipFile(stream)
        parts = self._zip.infolist()
        self._parts: dict[str, ZipInfo] = {_normal(part.filename): part for part in parts}
        # zipfile reads no more than the size that an entry declares.
        if len(parts) > _PARTS or sum(part.file_size for part in parts) > _LARGEST or any(map(_is_bomb, parts)):
            fix = "If it is yours, open it in its program and save it again."
            raise Error(f"{name} unpacks to more data than a table has.", fix=fix)

    def __contains__(self, path: str) -> bool:
        return _normal(path) in self._parts

    def read(self, path: str, handler: Handler, skip: Callable[[bytes], bytes] = bytes) -> None:
        """Parse a part of the archive, if it is there.

        `handler` handles its elements. `skip` removes what the handler does not need from some whole elements, before
        they are parsed. Raise `ikpipe.Error` if the part has declarations of entities, which office programs do not
        write, and which can expand without end.
        """
        if path not in self:
            return
        parser = ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler, parser.EndElementHandler = handler.start, handler.end
        parser.CharacterDataHandler = handler.text.append
        parser.StartDoctypeDeclHandler = self._refuse
        rest = b""
        with self._zip.open(self._parts[_normal(path)]) as part:
            while piece := part.read(_PIECE):
                whole, start, last = (rest + piece).rpartition(b"<")
                parser.Parse(skip(whole))
                rest = start + last
        parser.Parse(rest, True)

    def start(self, path: str, size: int) -> bytes:
        """Return the first bytes of a part; none if it is not there."""
        if path not in self:
            return b""
        with self._zip.open(self._parts[_normal(path)]) as part:
            return part.read(size)

    def _refuse(self, *_: object) -> None:
        raise Error(f"{self.name} has a document type declaration, which no office program writes.")


def _is_bomb(part: ZipInfo) -> bool:
    return part.file_size > _SMALL and part.file_size > _RATIO * part.compress_size


def _normal(path: str) -> str:
    return posixpath.normpath(path.replace("\\", "/")).strip("/").lower()
