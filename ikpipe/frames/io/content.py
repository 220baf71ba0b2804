"""What a file is by its first bytes: compressed, or not of the format it was taken for."""

import gzip
import io
import re
from typing import IO, Any, NamedTuple, Protocol

from ikpipe.errors import Error, Message, keyword
from ikpipe.frames.io.opening import import_extra, read_as
from ikpipe.frames.io.options import FORMATS

COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
"""The first bytes of Microsoft's compound files, such as .xls and encrypted workbooks."""
HEAD = 4096
"""Bytes that show what a file is."""
_LARGE, _RATIO = 2**28, 500  # bytes from which the ratio to the packed size counts: tables are seldom packed 50 to 1


class Readable(Protocol):
    """A stream of bytes, of which only the next ones are wanted."""

    def read(self, size: int, /) -> bytes:
        """Return up to some bytes; none at the end."""


class _Kind(NamedTuple):
    """A kind of file that has no table of text: its first bytes, its name, and the format that reads it."""

    start: "re.Pattern[bytes]"
    what: str
    format: str = ""


_KINDS = [
    _Kind(re.compile(start, re.DOTALL), *words)
    for start, *words in (
        (rb"PAR1\x15", "a Parquet file", "parquet"),
        (rb"PK\x03\x04.{26}mimetypeapplication/vnd\.oasis", "an OpenDocument spreadsheet (.ods)", "ods"),
        (rb"PK\x03\x04.*(?:\[Content_Types\]\.xml|xl/)", "an Excel workbook (.xlsx)", "xlsx"),
        (rb"PK\x03\x04", "a ZIP archive"),
        (re.escape(COMPOUND), "an Excel workbook (.xls)", "xls"),
        (rb"(?i)(?:\xef\xbb\xbf)?\s*<(?:!doctype\s+html|html|head|body|table)[\s>]", "a web page (HTML)"),
        (rb"(?:\xef\xbb\xbf)?\s*<\?xml\s", "an XML file"),
        (rb"ARROW1\0\0", "an Arrow (Feather) file"),
        (rb"SQLite format 3\0", "an SQLite database"),
        (rb"%PDF-", "a PDF document"),
        (rb"BZh[1-9]1AY&SY", "compressed with bzip2"),
        (rb"\xfd7zXZ\0", "compressed with xz"),
        (rb"7z\xbc\xaf\x27\x1c|Rar!\x1a\x07", "a compressed archive"),
        (rb"\x89PNG\r\n|\xff\xd8\xff|GIF8[79]a|RIFF....WEBP", "a picture"),
    )
]


class _Counted(io.RawIOBase):
    """A stream whose first bytes have been read already; it counts the bytes that are read."""

    def __init__(self, head: bytes, stream: IO[bytes]) -> None:
        self._head, self._stream, self.count = head, stream, 0

    def readable(self) -> bool:
        """Return True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Read into a buffer, and return the number of bytes."""
        data = self._head[: len(buffer)] or self._stream.read(len(buffer))
        self._head = self._head[len(buffer) :]
        buffer[: len(data)] = data
        self.count += len(data)
        return len(data)


class _Unpacked:
    """The content of a compressed stream."""

    def __init__(self, packed: _Counted, content: Any, how: str, name: str) -> None:
        self._packed, self._content, self._how, self._name, self._size = packed, content, how, name, 0

    def read(self, size: int, /) -> bytes:
        """Return up to some bytes.

        Raise `ikpipe.Error` if the file is damaged, or its content is much larger than any table's.
        """
        with read_as(f"a file compressed with {self._how}", self._name):
            block: bytes = self._content.read(size)
        self._size += len(block)
        if self._size > max(_LARGE, _RATIO * self._packed.count):
            words = f"{self._name} unpacks to more than {_RATIO:,} times its size, which no table does."
            raise Error(words, fix="Unpack it yourself if that is right.")
        return block


def unpacked(stream: IO[bytes], name: str) -> Readable:
    """Return the content of a stream, which may be compressed with gzip or Zstandard."""
    head = stream.read(HEAD)
    whole = _Counted(head, stream)
    if head.startswith(b"\x1f\x8b"):
        return _Unpacked(whole, gzip.GzipFile(fileobj=whole), "gzip", name)
    if head.startswith(b"\x28\xb5\x2f\xfd"):
        pyarrow = import_extra("pyarrow", "parquet", "Reading a file compressed with Zstandard")
        return _Unpacked(
            whole, pyarrow.CompressedInputStream(pyarrow.PythonFile(whole, "r"), "zstd"), "Zstandard", name
        )
    return io.BufferedReader(whole)


def refuse_other_kinds(head: bytes, name: str, expected: str = "") -> None:
    """Raise an error if a file is of another kind than it was taken for.

    `head` has its first bytes. `expected` is the format that it was taken for, if that has a start of its own; by
    default text.
    """
    kind = next((kind for kind in _KINDS if kind.start.match(head[:HEAD])), None)
    if kind is None or kind.format == expected != "":
        return
    wanted = {"": "CSV or JSON", "parquet": "Parquet"}.get(expected, f"a {expected}")
    raise Error(f"{name} is {kind.what}, not {wanted}.", fix=_fix(kind))


def _fix(kind: _Kind) -> str:
    """Return what to do about a file of a kind that is not the expected one."""
    if kind.format in FORMATS:
        return read_with(kind.format)
    return "Unpack it first." if "archive" in kind.what or "compressed" in kind.what else "Save the table as CSV."


def read_with(name: str) -> Message:
    """Return what to do about a file of a format that its name does not tell."""
    return Message("Read it with ", keyword("format", name), ", or rename it.")
