"""Names of files and folders: as given, as sent, and the paths under which one file can be stored.

Nobody outside knows whether the service keeps characters other than letters, marks, numerals, ``.``, ``_`` and ``-``
(IMAGEKIT's documentation says that it replaces them; a recorded run of another client shows that it kept them). So
`sent` replaces them before anything is signed: what is sent is what is stored, either way. ``Policy(names="as_given")``
turns that off.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Literal
from unicodedata import is_normalized, normalize

from ikpipe.errors import InvalidValue, short_repr
from ikpipe.request.parameters import BY_WIRE
from ikpipe.request.values import stored_folder, stored_name

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Names = Literal["stored", "as_given"]

_SENT: dict[str, Callable[[str], str]] = {"folder": stored_folder, "fileName": stored_name}
_WORDS = {"folder": "folder", "fileName": "file name"}
_LONGEST = 200  # characters of a name in a message


def sent(wire: str, column: Sequence[str | None]) -> list[tuple[int, str]]:
    """Return the texts of a parameter that are not sent as given: the offset of each in the column, and what is sent.

    Parameters
    ----------
    wire
        ``folder`` or ``fileName``; other parameters are always sent as given.
    column
        The texts as given; None where a row gives none.
    """
    if (replace := _SENT.get(wire)) is None or replace(every := "".join(filter(None, column))) == every:
        return []
    both = ((offset, text, replace(text)) for offset, text in enumerate(column) if text)
    return [(offset, after) for offset, before, after in both if after != before]


def same_after_replacing(given: Mapping[str, str], fields: Mapping[str, str]) -> bool:
    """Whether fields that were sent before are these, apart from characters that are replaced today."""
    return {wire: _SENT[wire](text) if wire in _SENT else text for wire, text in given.items()} == fields


def warning(wire: str, before: str, after: str) -> InvalidValue:
    """Return the warning that a name is not sent as given."""
    bad = sorted({was for was, now in zip(before, after, strict=True) if was != now})
    words = f"The {_WORDS[wire]} {_quoted(before)} is sent as {_quoted(after)}"
    why = f"ImageKit may not keep {', '.join(map(_quoted, bad))}"
    fix = 'Nothing to fix. If your account keeps these characters, set the policy names="as_given".'
    return InvalidValue("name_adjusted", f"{words}, because {why}.", fix)


def _quoted(text: str) -> str:
    return json.dumps(text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…", ensure_ascii=False)


def without_slash(name: str) -> str:
    """Return a file name that was given.

    Raises
    ------
    InvalidValue
        It has a slash.
    """
    if "/" in name:
        words = f'{BY_WIRE["fileName"]}: {short_repr(name)} has a "/", which a file name cannot have'
        raise InvalidValue("bad_character", words, "put the folder into folder=, and only the name into file_name=")
    return name


def strict_folder(text: str) -> str:
    """Return a folder path whose characters the service keeps for certain.

    Raises
    ------
    InvalidValue
        It has others. The authentication endpoint refuses these: it cannot know under which path they are stored.
    """
    mended = stored_folder(text)
    if mended != text:
        bad = sorted({was for was, char in zip(text, mended, strict=True) if was != char})
        raise InvalidValue(
            "bad_character",
            f"the folder {short_repr(text)} has {', '.join(map(repr, bad))}",
            f"write {short_repr(mended)}",
        )
    return text


def place(path: str, names: str) -> str:
    """Return what the paths of one file have in common: replaced characters, and one Unicode form.

    The service may normalize names (nobody outside knows), so two paths that differ only in their Unicode form are
    one place, and two rows with a fixed name cannot both have it.
    """
    if names == "stored":
        folder, slash, name = path.rpartition("/")
        path = stored_folder(folder) + slash + stored_name(name)
    return path if is_normalized("NFC", path) else normalize("NFC", path)


def spellings(path: str, names: str) -> list[str]:
    """Return the paths under which a file that was sent to a path can be stored: the path itself first.

    The others are its NFC form and, unless names are sent as given, the path with replaced characters: versions of
    ikpipe before names were replaced left that to the service.
    """
    folder, slash, name = path.rpartition("/")
    found = [name, normalize("NFC", name)]
    if names == "stored":
        found += map(stored_name, found[:])
    return [folder + slash + one for one in dict.fromkeys(found)]


def as_sent(path: str, name: str | None) -> str:
    """Return where a file is whose name is known as it was sent: earlier versions noted its path as it is stored."""
    folder = path[: path.rfind("/") + 1]
    return folder + name if name is not None and place(folder + name, "stored") == place(path, "stored") else path
