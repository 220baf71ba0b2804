"""Texts that programs write in place of a value: errors of spreadsheets, and missing values as text. Pure."""

import re
from collections.abc import Hashable, Sequence
from types import NoneType
from typing import Any

from ikpipe.errors import InvalidValue, Message, keyword, quoted
from ikpipe.request.columns import cell_types

# In the languages in which Excel writes CSV; LibreOffice has the English ones.
ERRORS = frozenset(
    [
        *("#N/A", "#REF!", "#DIV/0!", "#VALUE!", "#NAME?", "#NULL!", "#NUM!", "#SPILL!", "#CALC!", "#GETTING_DATA"),
        *("#FIELD!", "#BLOCKED!", "#CONNECT!", "#UNKNOWN!", "#BUSY!", "#EXTERNAL!", "#PYTHON!"),
        *("#NV", "#BEZUG!", "#WERT!", "#ZAHL!", "#N/D", "#RIF!", "#VALORE!", "#NOME?", "#NOM?", "#VALEUR!", "#NOMBRE!"),
        "#ERROR!",  # Google Sheets
        *(f"Err:{number}" for number in range(501, 541)),  # LibreOffice
        *("#¡REF!", "#¡DIV/0!", "#¡VALOR!", "#¿NOMBRE?", "#¡NULO!", "#¡NUM!"),
    ]
)
MISSING = frozenset(["nan", "NaN", "NAN", "<NA>", "NaT", "None", "null", "NULL"])
_MARKS = ERRORS | MISSING
_IN_TAGS = re.compile(rf"[;|\t]|(?:^|,)(?:{'|'.join(MISSING)}),|,(?:{'|'.join(MISSING)})(?=,|$)", re.MULTILINE)


def find_marks(column: Sequence[Any]) -> list[int]:
    """Return the offsets of the cells that are one of these texts."""
    types = cell_types(column)
    if str not in types or (types <= {str, NoneType} and _MARKS.isdisjoint(column)):
        return []
    return [offset for offset, cell in enumerate(column) if type(cell) is str and cell in _MARKS]


def mark_warning(text: str, label: Hashable) -> InvalidValue:
    """Return the warning about a cell that is one of these texts."""
    if text in ERRORS:
        words = f"The cell has the error {text} of a spreadsheet, so it is read as empty."
        return InvalidValue("error_cell", words, "Correct the formula, or empty the cell.", label)
    words = f"The cell has the text {quoted(text)}, which many programs write for a missing value."
    return InvalidValue("looks_missing", words, "If the value is missing, empty the cell.", label)


def has_suspicious_tags(texts: Sequence[str | None]) -> bool:
    """Whether any of the tags of many rows may be several, or a missing value."""
    return _IN_TAGS.search("\n".join(filter(None, texts))) is not None


def tag_warning(text: str | None) -> InvalidValue | None:
    """Return the warning about a row's tags, as they are sent, that may be several or missing values."""
    mark = _IN_TAGS.search(text or "")
    if mark is None:
        return None
    if mark[0] in (";", "|", "\t"):
        fix = Message("If these are several tags, pass ", keyword("tag_separator", mark[0]), ".")
        return InvalidValue("unsplit_tags", f"A tag contains {quoted(mark[0])}: {quoted(text)}.", fix)
    words = f"The tags {quoted(text)} have the text {quoted(mark[0].strip(','))}, as programs write a missing value."
    return InvalidValue("looks_missing", words, "If the tag is missing, remove the text.")
