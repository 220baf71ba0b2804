"""The error for a table whose files no column, mapping or keyword provides, and what it suggests."""

from __future__ import annotations

import re
from collections.abc import Collection, Hashable, Iterable, Sequence
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from ikpipe.errors import ApiName, MappingError, Message, listed, sentences
from ikpipe.frames.near_misses import NearMiss, described, how_to_use, is_result, shown

if TYPE_CHECKING:
    import pandas as pd

_SHOWN = 20  # columns of a table that a message names
_SAMPLE = 100  # rows
_LONGEST = 2_000  # characters of a cell that are read

_MEDIA = (
    r"\.(?:jpe?g|jfif|png|gif|webp|avif|svg|bmp|tiff?|heic|heif|ico|psd|pdf|mp4|m4v|mov|webm|avi|mkv|mp3|wav|ogg|zip)"
)
_FILE = re.compile(rf"\s*(?:data:[^,]*,|https?://\S*{_MEDIA}(?:[?#]|\s*$)|.*[^\s/\\]{_MEDIA}\s*$)", re.IGNORECASE)
_URL = re.compile(r"\s*(?:https?://|www\.)\S", re.IGNORECASE)
_PATH = re.compile(r"\S+[/\\]\S+")
_OF_FILES = re.compile(
    r"images?|imgs?|photos?|pictures?|pics?|files?|filename|media|assets?|src|thumbnail|attachment|bild(er)?|fotos?|"
    r"imagen(es)?"
)
_OF_PLACES = re.compile(r"ur[li]s?|href|links?|paths?|source|location")


def missing_file(frame: pd.DataFrame, places: Iterable[int], near: Collection[NearMiss]) -> MappingError:
    """Return the error for a table whose files nothing provides, with the column that most likely has them.

    `frame` has the first rows; `places` are those of the columns that are not used. `near` are columns to name in the
    same error, since their names are almost those of parameters.
    """
    labels = [label for label in frame.columns if not is_result(label)]
    message = ["No column, mapping or keyword provides the file.", columns_of_table(labels)]
    if len(labels) < frame.shape[1]:
        message.append("Results in CSV files, and in frames of other libraries, do not have the mapping of their run.")
    if _is_data(labels):
        message.append("The first line seems to be data.")
        fix = Message("Put the names of the columns above it, and map the one of the files: ", _example(...), ".")
        return MappingError(sentences(*message), fix=fix)
    file = {} if any(miss.name == "file" for miss in near) else likely_column(frame, places)
    if near:
        return MappingError(sentences(*message, described(near)), fix=how_to_use(near, file))
    fix = Message("Map the column that has the files: ", _example(file.get("file", ...)), ".")
    return MappingError(sentences(*message), fix=fix)


def _example(label: object) -> ApiName:
    return ApiName("column", "file", label)


def columns_of_table(labels: Sequence[Hashable]) -> str:
    """Return a sentence that names a table's columns, as far as they are not too many."""
    if not labels:
        return "The table has no columns."
    noun = "column" if len(labels) == 1 else "columns"
    return f"The table has the {noun} {listed(labels, _SHOWN, shown)}."


def _is_data(labels: Iterable[Hashable]) -> bool:
    """Whether a table has no header: one of its columns is named like a file of its first row."""
    return any(isinstance(label, str) and (_URL.match(label) or _FILE.match(label)) for label in labels)


def likely_column(frame: pd.DataFrame, places: Iterable[int]) -> dict[str, Hashable]:
    """Return an entry of `columns` for the file, by cells and names; empty if no column is likely to have it."""
    labels = {at: frame.columns[at] for at in places if not is_result(frame.columns[at])}
    scores = {at: _score(label, frame.iloc[:_SAMPLE, at]) for at, label in labels.items()}
    best = max(scores, key=lambda at: scores[at], default=None)
    return {"file": labels[best]} if best is not None and scores[best] else {}


def _score(label: Hashable, column: pd.Series[Any]) -> float:
    """Return how likely a column has files."""
    cells = [cell for cell in column.tolist() if isinstance(cell, str | bytes | PurePath) and cell]
    if not cells and column.notna().any():
        return 0
    return sum(map(_score_of_cell, cells)) / max(len(cells), 1) + _score_of_name(str(label))


def _score_of_cell(cell: str | bytes | PurePath) -> float:
    if not isinstance(cell, str) or _FILE.match(text := cell[:_LONGEST]):
        return 3
    return 1 if _URL.match(text) or _PATH.fullmatch(text) else 0


def _score_of_name(name: str) -> float:
    """Return how likely a column of this name has files; camel case separates words as well."""
    words = re.findall(r"[^\W\d_]+", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name).casefold())
    return 1.5 * any(map(_OF_FILES.fullmatch, words)) + any(map(_OF_PLACES.fullmatch, words))
