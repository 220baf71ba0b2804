"""Decode text files: byte-order marks, encodings and line ends; errors name the line, and the option that helps."""

import codecs
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import partial
from itertools import pairwise
from typing import IO, Any

from ikpipe.errors import Error, Message, keyword
from ikpipe.frames.io.content import Readable, refuse_other_kinds, unpacked

LONGEST = 2**27
"""Characters of the longest line or cell: a file of 100 MB as base64."""
_BLOCK = 2**18  # bytes
_MARKS = {
    codecs.BOM_UTF8: "utf-8",
    codecs.BOM_UTF32_LE: "utf-32-le",  # before UTF-16, whose mark its own begins with
    codecs.BOM_UTF32_BE: "utf-32-be",
    codecs.BOM_UTF16_LE: "utf-16-le",
    codecs.BOM_UTF16_BE: "utf-16-be",
}
_KANA = re.compile("[\u3041-\u3096\u30a1-\u30fa]")
_SYMBOLS = ("No", "Sc", "Sk", "Sm", "So")
_AROUND = 12  # characters of an example on either side


def text_lines(stream: IO[Any], name: str, encoding: str | None = None) -> Iterator[str]:
    """Yield the lines of a text file with their ends, as `text_blocks` decodes it."""
    yield from lines_of(text_blocks(stream, name, encoding), name)


def text_blocks(stream: IO[Any], name: str, encoding: str | None = None) -> Iterator[str]:
    """Yield the text of a file in blocks; it may be compressed with gzip or Zstandard.

    `stream` is an open file of bytes or of text; `name` is for errors. `encoding` is that of a file without byte-order
    mark, by default UTF-8. Raise `ikpipe.Error` if the file is not text in this encoding.
    """
    if isinstance(stream.read(0), str):
        yield from iter(partial(stream.read, _BLOCK), "")
    else:
        yield from _decoded(unpacked(stream, name), name, encoding)


def lines_of(blocks: Iterable[str], name: str) -> Iterator[str]:
    """Yield the lines of a text that comes in blocks; raise `ikpipe.Error` if a line is endless."""
    parts: list[str] = []
    end, count, size = "", 0, 0
    for block in blocks:
        end = end or _line_end(block)
        head, found, rest = block.rpartition(end or "\n")
        count += head.count(end) + 1 if found else 0
        if found:
            # The module splits them in C; only for carriage returns it looks for all kinds of ends.
            yield from io.StringIO("".join([*parts, head, found]), newline="\n" if end == "\n" else "")
            parts, size = [], 0
        parts.append(rest)
        size += len(rest)
        if size > LONGEST:
            raise Error(f"{name}, line {count + 1:,}: The line has more than {LONGEST:,} characters.")
    yield from io.StringIO("".join(parts), newline="\n" if end == "\n" else "")


def _line_end(text: str) -> str:
    """Return how lines end, as far as the first one shows; old programs for the Mac write carriage returns alone."""
    first = re.search(r"\n|\r(?=[^\n])", text)
    return first[0] if first else ""


def _decoded(stream: Readable, name: str, encoding: str | None) -> Iterator[str]:
    """Yield the text of a stream in blocks."""
    block = stream.read(_BLOCK)
    mark = next((mark for mark in _MARKS if block.startswith(mark)), b"")
    refuse_other_kinds(block[len(mark) :], name)
    if not mark:
        _refuse_binary(block, name, encoding)
    known = _MARKS.get(mark, encoding)
    decoder = codecs.getincrementaldecoder(known or "utf-8")()
    block, position, line = block[len(mark) :], len(mark), 1
    while True:
        try:
            text = decoder.decode(block, final=not block)
        except UnicodeDecodeError as error:
            before = position - (len(error.object) - len(block))  # the decoder keeps the start of a cut character
            number = line + error.object[: error.start].count(b"\n")
            raise _undecodable(error, f"{name}, line {number:,}", before + error.start, known) from error
        except UnicodeError as error:  # UTF-16 and UTF-32 need a mark, unless their name says the order of the bytes
            words = f"{name} is not {known.upper() if known else 'text'}: it has no byte-order mark."
            raise Error(words, fix=Message("Set another ", keyword("encoding"), ".")) from error
        if text:
            yield text
        if not block:
            return
        line += text.count("\n")
        position += len(block)
        block = stream.read(_BLOCK)


def _refuse_binary(block: bytes, name: str, encoding: str | None) -> None:
    """Raise an error if the first line has NUL bytes, which show UTF-16 without a byte-order mark."""
    first = block.partition(b"\n")[0]
    if encoding not in (None, "utf-16") or b"\0" not in first:
        return
    odd, even = first[::2].count(0), first[1::2].count(0)
    if odd and even:
        raise Error(f"{name} is not a text file: its first line has NUL bytes.", fix="Save it as CSV.")
    words = f"{name} seems to be UTF-16 without a byte-order mark."
    raise Error(words, fix=Message("Add ", keyword("encoding", "utf-16-le" if even else "utf-16-be"), "."))


def _undecodable(error: UnicodeDecodeError, where: str, position: int, known: str | None) -> Error:
    """Return the error for bytes that are not text in an encoding, with the option that helps."""
    words = f"{where}: byte {position:,} of the file is not valid {(known or 'utf-8').upper()}."
    if known is not None:
        return Error(words, fix=Message("Set another ", keyword("encoding"), "."))
    first = error.object.rfind(b"\n", 0, error.start) + 1
    line = error.object[first:].partition(b"\n")[0]
    likely = _likely(line, error.start - first)
    if likely is None:
        others = Message(keyword("encoding", "windows-1252"), " (Western Europe), windows-1250 (Central Europe), ")
        return Error(words, fix=Message("Name its encoding, such as ", others, "windows-1251, shift_jis or gb18030."))
    cut = slice(max(error.start - first - _AROUND, 0), error.start - first + _AROUND)
    shown = line[cut].decode(likely, "ignore").strip()
    return Error(words, fix=Message("Add ", keyword("encoding", likely), f' if this is right: "{shown}".'))


def _likely(line: bytes, at: int) -> str | None:
    """Return the encoding that a line of bytes is probably in."""
    with suppress(UnicodeDecodeError):
        if _KANA.search(line.decode("cp932")):
            return "shift_jis"
    word = next(found[0] for found in re.finditer(rb"[A-Za-z\x80-\xff]+", line) if found.end() > at)
    text = word.decode("cp1252", "replace")
    if any(unicodedata.category(char) in _SYMBOLS and after.islower() for char, after in pairwise(text)):
        return None  # "z³oty" is "złoty" in another encoding
    return "windows-1252" if sum(char > "\x7f" for char in text) * 2 <= len(text) or len(text) == 1 else None
