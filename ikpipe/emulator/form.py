"""An upload's multipart body, read as it comes: the fields to memory, the file to disk."""

from __future__ import annotations

import hashlib
import os
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, BinaryIO

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from ikpipe.emulator.refusals import Refusal, invalid

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

IN_MEMORY = 1024 * 1024
LONGEST_FIELD = 1024 * 1024
CHUNK = 256 * 1024


class Spool:
    """The bytes of one file, with their size and hash: in memory while few, in a file of `folder` beyond that.

    Bytes past `limit` are counted and dropped: they are refused later, and need not fill the disk.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.size = 0
        self._limit = limit
        self._hash = hashlib.sha256()
        self._memory = bytearray()
        self._path = folder / uuid.uuid4().hex
        self._file: BinaryIO | None = None

    @property
    def sha256(self) -> str:
        """The hash of the bytes so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    def write(self, data: bytes) -> None:
        """Append bytes."""
        self.size += len(data)
        self._hash.update(data)
        # the log tells size and hash of files that are too large as well
        if self.size > self._limit:
            return
        if self._file is None and self.size > IN_MEMORY:
            self._file = self._path.open("wb+")
            self._file.write(self._memory)
            self._memory.clear()
        (self._memory.extend if self._file is None else self._file.write)(data)

    def head(self, size: int) -> bytes:
        """Give the first bytes."""
        return next(self.chunks(), b"")[:size]

    def chunks(self) -> Iterator[bytes]:
        """Give all the bytes again, from the start."""
        if self._file is None:
            yield bytes(self._memory)
            return
        self._file.seek(0)
        while chunk := self._file.read(CHUNK):
            yield chunk

    def move(self, target: Path) -> None:
        """Make the bytes the file `target`."""
        if self._file is None:
            target.write_bytes(self._memory)
            return
        self._file.close()
        self._file = None
        self._path.replace(target)

    def discard(self) -> None:
        """Drop the bytes; without effect after `move`."""
        if self._file is not None:
            self._file.close()
            self._file = None
            os.unlink(self._path)  # noqa: PTH108 - the hot path
        # many uploads wait with their form still alive
        self._memory.clear()


class Form:
    """What one multipart body held."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.fields: dict[str, str] = {}
        self.token: str | None = None
        self.file: Spool | None = None
        self.file_name: str | None = None
        """The file part's own name; None for text (`seed`: a URL or base64)."""
        self.repeated: list[str] = []
        """Names that came more than once."""
        self.complete = False
        self._folder = folder
        self._limit = limit

    def open_file(self, name: str | None) -> Spool:
        """Begin the file; a second one is noted as repeated, and its bytes go nowhere."""
        if self.file is not None:
            self.repeated.append("file")
            return Spool(self._folder, 0)
        self.file, self.file_name = Spool(self._folder, self._limit), name
        return self.file

    def set(self, name: str, value: str) -> None:
        """Take a text field."""
        if name in self.fields or (name == "token" and self.token is not None):
            self.repeated.append(name)
        elif name == "token":
            self.token = value
        else:
            self.fields[name] = value

    def discard(self) -> None:
        """Drop the file's bytes, if nobody moved them."""
        if self.file is not None:
            self.file.discard()


@contextmanager
def _well_formed() -> Iterator[None]:
    """Refuse what python-multipart can not read (the words are a `guess`)."""
    try:
        yield
    except FormParserError:
        raise Refusal(400, "Your request contains a malformed multipart body.") from None


class FormReader:
    """Feeds a body to python-multipart's parser, whose callbacks are the methods below."""

    def __init__(self, content_type: str, folder: Path, limit: int) -> None:
        self.form = Form(folder, limit)
        self._header = self._value = b""
        self._disposition: dict[bytes, bytes] = {}
        self._text = bytearray()
        self._spool: Spool | None = None
        kind, options = parse_options_header(content_type)
        boundary = options.get(b"boundary") if kind == b"multipart/form-data" else None
        with _well_formed():
            self._parser = self._make_parser(boundary) if boundary else None

    def _make_parser(self, boundary: bytes) -> MultipartParser:
        return MultipartParser(
            boundary,
            {
                "on_part_begin": self._on_part_begin,
                "on_header_field": self._on_header_field,
                "on_header_value": self._on_header_value,
                "on_header_end": self._on_header_end,
                "on_headers_finished": self._on_headers_finished,
                "on_part_data": self._on_part_data,
                "on_part_end": self._on_part_end,
                "on_end": self._on_end,
            },
        )

    def feed(self, data: bytes) -> None:
        """Take the next bytes of the body; one that is not multipart is an empty form."""
        if self._parser is None or not data:
            return
        with _well_formed():
            self._parser.write(data)

    def finish(self) -> Form:
        """Give the form once the body has ended."""
        if self._parser is not None and not self.form.complete:
            raise Refusal(400, "Your request contains an incomplete multipart body.")
        return self.form

    def _on_part_begin(self) -> None:
        self._disposition, self._spool = {}, None
        self._text.clear()

    def _on_header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def _on_header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header_end(self) -> None:
        if self._header.lower() == b"content-disposition":
            self._disposition = parse_options_header(self._value)[1]
        self._header = self._value = b""

    def _on_headers_finished(self) -> None:
        if self._disposition.get(b"name") == b"file":
            name = self._disposition.get(b"filename")
            self._spool = self.form.open_file(None if name is None else name.decode("utf-8", "replace"))

    def _on_part_data(self, data: bytes, start: int, end: int) -> None:
        if self._spool is not None:
            self._spool.write(data[start:end])
            return
        self._text += data[start:end]
        if len(self._text) > LONGEST_FIELD:
            raise invalid(self._name, "It is too long.")

    def _on_part_end(self) -> None:
        if self._spool is None:
            try:
                self.form.set(self._name, self._text.decode())
            except UnicodeDecodeError:
                raise invalid(self._name, "It is not UTF-8 text.") from None

    def _on_end(self) -> None:
        self.form.complete = True

    @property
    def _name(self) -> str:
        return self._disposition.get(b"name", b"").decode("utf-8", "replace")
