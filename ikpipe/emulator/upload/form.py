"""Parses an upload's multipart body as it arrives: fields go to memory, large files to disk."""

import errno
import hashlib
import os
import re
import uuid
from collections.abc import Callable, Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import BinaryIO

from ikpipe.emulator.error_responses import ErrorResponse, invalid_parameter

IN_MEMORY = 256 * 1024
LONGEST_FIELD = 1024 * 1024
LONGEST_HEADERS = 16 * 1024
CHUNK = 256 * 1024
_MARK = 2
"""Bytes after a delimiter: `--` after the last one, CRLF after all others."""
_HEADER = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OPTION = re.compile(r';\s*([^\s=;"]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s;"]*))')
_ESCAPED = re.compile(r'\\(["\\])')


class FormSpool:
    """The bytes of one file, with their size and hash: in memory up to a size, beyond it in a file in `folder`.

    Bytes beyond `limit` are counted and dropped: the file is rejected later, and must not fill the disk.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        self.size = 0
        self._limit = limit
        self._hash = hashlib.sha256()
        self._memory = bytearray()
        self._folder = folder
        self._file: BinaryIO | None = None

    @property
    def in_memory(self) -> bool:
        """Whether all bytes are in memory."""
        return self._file is None

    @property
    def sha256(self) -> str:
        """The SHA-256 of the bytes so far, in hexadecimal digits."""
        return self._hash.hexdigest()

    def write(self, data: bytes | memoryview) -> None:
        """Append bytes."""
        self.size += len(data)
        self._hash.update(data)
        # counted first: the log has size and hash of files that are too large as well
        if self.size > self._limit:
            return
        if self._file is None and self.size > IN_MEMORY:
            self._path = self._folder / uuid.uuid4().hex
            self._file = self._path.open("wb+")
            self._file.write(self._memory)
            self._memory.clear()
        (self._memory.extend if self._file is None else self._file.write)(data)

    def head(self, size: int) -> bytes:
        """Return the first bytes."""
        return next(self.chunks(), b"")[:size]

    def chunks(self) -> Iterator[bytes]:
        """Yield all bytes, from the start."""
        if self._file is None:
            yield bytes(self._memory)
            return
        self._file.seek(0)
        while chunk := self._file.read(CHUNK):
            yield chunk

    def open(self) -> BinaryIO:
        """Return the bytes as an open file at its start, which the caller does not close."""
        if self._file is None:
            return BytesIO(self._memory)
        self._file.seek(0)
        return self._file

    def move(self, target: Path) -> None:
        """Move the bytes to the file `target`."""
        if self._file is None:
            _write(target, self._memory)
            return
        self._file.close()
        self._file = None
        self._path.replace(target)

    def discard(self) -> None:
        """Delete the bytes; has no effect after `move`."""
        if self._file is not None:
            self._file.close()
            self._file = None
            os.unlink(self._path)  # noqa: PTH108 - faster than Path.unlink, once per upload
        # many uploads wait while their form is still referenced
        self._memory.clear()


def _write(path: Path, data: bytearray) -> None:
    # unbuffered: the bytes are written in one call
    file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | getattr(os, "O_BINARY", 0), 0o666)
    try:
        if os.write(file, data) < len(data):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))
    finally:
        os.close(file)


class ReceivedForm:
    """The content of one multipart body."""

    def __init__(self, folder: Path, limit: int) -> None:
        self.fields: dict[str, str] = {}
        self.token: str | None = None
        self.file: FormSpool | None = None
        self.file_name: str | None = None
        """The name of the file part; None for text [upload docs: a URL or base64]."""
        self.repeated: list[str] = []
        """Names of fields that were sent more than once."""
        self.complete = False
        self._folder = folder
        self._limit = limit

    def open_file(self, name: str | None) -> FormSpool:
        """Start the file; a second one is recorded as repeated, and its bytes are dropped."""
        if self.file is not None:
            self.repeated.append("file")
            return FormSpool(self._folder, 0)
        self.file, self.file_name = FormSpool(self._folder, self._limit), name
        return self.file

    def set(self, name: str, value: str) -> None:
        """Set a text field."""
        if name in self.fields or (name == "token" and self.token is not None):
            self.repeated.append(name)
        elif name == "token":
            self.token = value
        else:
            self.fields[name] = value

    def discard(self) -> None:
        """Delete the file's bytes, unless they were moved."""
        if self.file is not None:
            self.file.discard()


class FormReader:
    """Parses a body in pieces of any size, and holds back only bytes that may begin a delimiter."""

    def __init__(self, content_type: str, folder: Path, limit: int) -> None:
        self.form = ReceivedForm(folder, limit)
        self._name = ""
        self._text = bytearray()
        self._spool: FormSpool | None = None
        kind, options = _options(content_type)
        boundary = options.get("boundary") if kind == "multipart/form-data" else None
        self._delimiter = f"\r\n--{boundary}".encode("latin-1") if boundary else None
        self._rest = bytearray()
        self._parse_step: Callable[[bytes], bool] = self._begin

    def feed(self, data: bytes) -> None:
        """Parse the next bytes of the body; one that is not multipart is an empty form."""
        if self._delimiter is None or self.form.complete:
            return
        self._rest += data
        while self._parse_step(self._delimiter):
            pass

    def finish(self) -> ReceivedForm:
        """Return the form at the end of the body."""
        if self._delimiter is not None and not self.form.complete:
            raise ErrorResponse(400, "Your request contains an incomplete multipart body.")
        return self.form

    # The steps: each consumes what it can of the rest, and returns whether the next step can run

    def _begin(self, delimiter: bytes) -> bool:
        """Consume the first delimiter, which empty lines may precede."""
        first, self._rest = delimiter.lstrip() + b"\r\n", self._rest.lstrip(b"\r\n")
        if not self._rest.startswith(first[: len(self._rest)]):
            raise _malformed()
        if len(self._rest) < len(first):
            return False
        # its CRLF stays: it also ends a delimiter that is followed by no headers
        del self._rest[: len(first) - _MARK]
        self._parse_step = self._headers
        return True

    def _headers(self, _delimiter: bytes) -> bool:
        """Start a part; the end of the delimiter's line precedes its headers, if any."""
        end = self._rest.find(b"\r\n\r\n")
        if end > LONGEST_HEADERS or (end < 0 and len(self._rest) > LONGEST_HEADERS):
            raise _malformed()
        if end < 0:
            return False
        self._name, file_name = _part_names(bytes(self._rest[:end]))
        self._spool = self.form.open_file(file_name) if self._name == "file" else None
        del self._rest[: end + 4]
        self._parse_step = self._data
        return True

    def _data(self, delimiter: bytes) -> bool:
        end = self._rest.find(delimiter)
        # without a delimiter, its longest beginning may still be at the end of the rest
        ready = len(self._rest) - len(delimiter) + 1 if end < 0 else end
        if ready > 0:
            with memoryview(self._rest) as rest, rest[:ready] as piece:
                self._append(piece)
            del self._rest[:ready]
        if end >= 0:
            del self._rest[: len(delimiter)]
            self._parse_step = self._after
        return end >= 0

    def _after(self, delimiter: bytes) -> bool:
        """Decide by the next bytes whether a delimiter starts a part, ends the body, or is part of the data."""
        mark = bytes(self._rest[:_MARK])
        if len(mark) < _MARK:
            return False
        if mark not in {b"\r\n", b"--"}:
            self._append(delimiter)
            self._parse_step = self._data
            return True
        self._end_part()
        self.form.complete = mark == b"--"
        self._parse_step = self._headers
        return not self.form.complete

    def _append(self, data: bytes | memoryview) -> None:
        if self._spool is not None:
            self._spool.write(data)
            return
        self._text += data
        if len(self._text) > LONGEST_FIELD:
            raise invalid_parameter(self._name, "It is too long.")

    def _end_part(self) -> None:
        if self._spool is None:
            try:
                self.form.set(self._name, self._text.decode())
            except UnicodeDecodeError:
                raise invalid_parameter(self._name, "It is not UTF-8 text.") from None
            self._text.clear()


def _malformed() -> ErrorResponse:
    """Return the 400 for a body that does not match its Content-Type [guess for the message]."""
    return ErrorResponse(400, "Your request contains a malformed multipart body.")


@lru_cache(256)
def _part_names(headers: bytes) -> tuple[str, str | None]:
    """Return the field name of a part, and its file name."""
    disposition: dict[str, str] = {}
    for line in headers.decode("latin-1").split("\r\n")[1:]:
        header, colon, value = line.partition(":")
        if not colon or not _HEADER.fullmatch(header):
            raise _malformed()
        if header.lower() == "content-disposition":
            disposition = _options(value)[1]
    # names are UTF-8, as browsers send them
    names = {key: disposition[key].encode("latin-1").decode("utf-8", "replace") for key in disposition}
    return names.get("name", ""), names.get("filename")


def _options(header: str) -> tuple[str, dict[str, str]]:
    """Return the type and the options of a header such as `form-data; name="a"; filename="b"`."""
    kind, semicolon, rest = header.partition(";")
    options = _OPTION.findall(semicolon + rest)
    return kind.strip().lower(), {key.lower(): _ESCAPED.sub(r"\1", quoted) or plain for key, quoted, plain in options}
