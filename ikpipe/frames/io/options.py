"""How a table is read from a file, as far as its user says it."""

import codecs
from dataclasses import asdict, dataclass
from typing import Any

from ikpipe.errors import Error, did_you_mean, keyword
from ikpipe.request.missing import without_none

WORKBOOKS = ("xlsx", "xlsm", "xls", "ods")
"""The formats of workbooks."""
FORMATS = ("csv", "tsv", "parquet", "jsonl", "json", *WORKBOOKS)
"""The formats of tables that can be read, which are also their files' extensions."""
TEXT = ("csv", "tsv", "jsonl", "json")
"""The formats of text; the first two have a delimiter."""
ALIASES = {"ndjson": "jsonl", "txt": "csv", "tab": "tsv"}
"""Other extensions, and the formats that they stand for."""
_ENCODINGS = {
    # As browsers take these names: programs write the larger encodings under the names of the smaller ones.
    **dict.fromkeys(("ascii", "iso8859-1"), "cp1252"),
    "shift_jis": "cp932",
    **dict.fromkeys(("gb2312", "gbk"), "gb18030"),
    "euc_kr": "cp949",
    "utf-8-sig": "utf-8",  # byte-order marks are removed in any case
}
_ESCAPES = ("idna", "punycode", "raw-unicode-escape", "unicode-escape", "utf-7")  # of Python, not of files
DELIMITERS = {"tab": "\t", "\\t": "\t", "comma": ",", "semicolon": ";", "pipe": "|", "space": " "}
"""Names of characters that are hard to type or to see in a shell."""


@dataclass(frozen=True)
class ReadOptions:
    """How a table is read; None: as its file's name and content say.

    `format` is one of `FORMATS`, for a file whose extension does not tell it. `delimiter` is the character between the
    cells of CSV and TSV, or a name for it, such as ``tab``; `encoding` is that of text files, by a name that Python
    knows. `sheet` is the sheet of a workbook, by its name or its number, counted from 1; `header_row` is the row that
    has the names of its columns, counted from 1, by default the first one with cells. With `links`, a cell with a link
    has the link's address instead of its text; None is False. Raise `ikpipe.Error` if a value is not valid.
    """

    format: str | None = None
    delimiter: str | None = None
    encoding: str | None = None
    sheet: str | None = None
    header_row: int | None = None
    links: bool | None = None

    def __post_init__(self) -> None:
        if self.format is not None:
            object.__setattr__(self, "format", _format(self.format))
        if self.delimiter is not None:
            object.__setattr__(self, "delimiter", _delimiter(self.delimiter))
        if self.encoding is not None:
            object.__setattr__(self, "encoding", _encoding(self.encoding))

    def check_format(self, name: str) -> None:
        """Raise an error if an option does not apply to a format: it is not ignored silently."""
        fits = {"delimiter": name in TEXT[:2], "encoding": name in TEXT}
        fits |= dict.fromkeys(("sheet", "header_row", "links"), name in WORKBOOKS)
        for option, value in self.changed().items():
            if not fits.get(option, True):
                words = f"This option does not apply to a table in the format {name}."
                raise Error(words, fix="Remove it.", about=keyword(option, value))

    def changed(self) -> dict[str, Any]:
        """Return the options that are set, as keywords."""
        return without_none(asdict(self))


def _format(text: str) -> str:
    """Return the format of an extension."""
    name = text.lower().removeprefix(".")
    if name not in (*FORMATS, *ALIASES):
        fix = f"Use one of {', '.join(FORMATS)}{did_you_mean(text, FORMATS)}."
        raise Error("There is no such format.", fix=fix, about=keyword("format", text))
    return ALIASES.get(name, name)


def _delimiter(text: str) -> str:
    """Return the character that a delimiter's name stands for."""
    character = DELIMITERS.get(text.lower(), text)
    if len(character) != 1 or character in '"\r\n\0':
        fix = "Use one character, such as ; or |, or the name tab."
        raise Error("The delimiter must be one character.", fix=fix, about=keyword("delimiter", text))
    return character


def _encoding(text: str) -> str:
    """Return the name of an encoding of text."""
    try:
        name = codecs.lookup(text).name
        "".encode(name)
        if name in _ESCAPES:
            raise LookupError(name)
    except (LookupError, ValueError):
        fix = "Use a name such as utf-8, windows-1252, utf-16 or shift_jis."
        raise Error("There is no such encoding.", fix=fix, about=keyword("encoding", text)) from None
    return _ENCODINGS.get(name, name)
