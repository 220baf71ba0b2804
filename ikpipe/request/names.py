"""Names of files and folders: as given, as sent, and the paths under which one file can be stored.

It is not known whether the service keeps characters other than letters, marks, numerals, ``.``, ``_`` and ``-``:
ImageKit's documentation says that it replaces them, a recorded run of another client shows that it kept them. So `sent`
replaces them before anything is signed: either way, the name that is sent is stored. ``Policy(names="as_given")`` turns
that off.
"""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal
from unicodedata import is_normalized, normalize

from ikpipe.errors import ApiName, InvalidValue, Message, keyword, quoted
from ikpipe.request.values import stored_folder, stored_name, to_text

Names = Literal["stored", "as_given"]

PARTS = ("folder", "file_name")
"""The parameters that a path sets together."""

_SENT: dict[str, Callable[[str], str]] = {"folder": stored_folder, "fileName": stored_name}
_PLAIN = re.compile(r"(?:[\w-]*/)*[\w.-]*", re.ASCII)  # paths that are the same in any form; most are
_WIDTH = 200  # characters of a name in a message
_WORDS = {"folder": "folder", "fileName": "file name"}


def replaced_texts(wire: str, column: Sequence[str | None]) -> list[tuple[int, str]]:
    """Return the texts of a parameter that are not sent as given: the offset of each in the column, and what is sent.

    `wire` is ``folder`` or ``fileName``; other parameters are always sent as given. `column` has the texts as given;
    None where a row gives none.
    """
    if (replace := _SENT.get(wire)) is None or replace(every := "".join(filter(None, column))) == every:
        return []
    both = ((offset, text, replace(text)) for offset, text in enumerate(column) if text)
    return [(offset, after) for offset, before, after in both if after != before]


def same_after_replacing(given: Mapping[str, str], fields: Mapping[str, str]) -> bool:
    """Whether fields that were sent before are these, apart from characters that are replaced today."""
    return {wire: _SENT[wire](text) if wire in _SENT else text for wire, text in given.items()} == fields


def name_warning(wire: str, before: str, after: str) -> InvalidValue:
    """Return the warning that a name is not sent as given."""
    bad = sorted({was for was, now in zip(before, after, strict=True) if was != now})
    words = f"The {_WORDS[wire]} {quoted(before, _WIDTH)} is sent as {quoted(after, _WIDTH)}"
    why = f"ImageKit may not keep {', '.join('spaces' if char == ' ' else quoted(char) for char in bad)}"
    as_given = ApiName("policy", "names", "as_given")
    fix = Message("Nothing to fix. If your account keeps these characters, use ", as_given, ".")
    return InvalidValue("name_adjusted", f"{words}, because {why}.", fix)


def path_warning(given: str, found_as: str) -> InvalidValue:
    """Return the warning that a file was found under another spelling of its path."""
    words = f"The file {quoted(given, _WIDTH)} was found as {quoted(found_as, _WIDTH)}"
    same = normalize("NFC", given) == normalize("NFC", found_as)
    return InvalidValue("path_adjusted", f"{words}{', in another Unicode form' * same}.", "There is nothing to fix.")


def without_slash(name: str) -> str:
    """Return a file name that was given; raise `InvalidValue` if it has a slash."""
    if "/" in name:
        fix = Message("Use ", keyword("path"), ", which sets folder and file name together, or replace the slash.")
        raise InvalidValue("bad_character", f'The file name cannot contain "/": {quoted(name)}.', fix)
    return name


def split_path(path: object) -> tuple[str | None, str | None]:
    """Return the folder and the file name of a path in the library; None for a missing one.

    Raise `InvalidValue` if it has no file name.
    """
    if path is None:
        return None, None
    folder, slash, name = to_text(path).rpartition("/")
    if not name:
        fix = "End it with a file name, such as {file.name}."
        raise InvalidValue("missing_name", f"The path has no file name after its last slash: {quoted(path)}.", fix)
    return folder + slash or None, name


def strict_folder(text: str) -> str:
    """Return a folder path whose characters the service keeps for certain.

    Raise `InvalidValue` if it has others. The authentication endpoint rejects these, since it cannot know the path that
    they become.
    """
    allowed = stored_folder(text)
    if allowed != text:
        bad = sorted({before for before, after in zip(text, allowed, strict=True) if before != after})
        words = f"The folder {quoted(text)} cannot contain {', '.join(map(quoted, bad))}."
        raise InvalidValue("bad_character", words, f"Use {quoted(allowed)}.")
    return text


def canonical_path(path: str, names: str) -> str:
    """Return the form in which the paths of one file are equal: with replaced characters, in Unicode form NFC.

    The service may normalize names (guess), so two rows with fixed names cannot have paths that differ only in their
    Unicode form.
    """
    if _PLAIN.fullmatch(path):
        return path
    if names == "stored":
        folder, slash, name = path.rpartition("/")
        path = stored_folder(folder) + slash + stored_name(name)
    return path if is_normalized("NFC", path) else normalize("NFC", path)


def possible_paths(path: str, names: str) -> list[str]:
    """Return the paths under which a file that was sent to a path can be stored, the path itself first.

    The others are its NFC form and, unless names are sent as given, the path with replaced characters: earlier versions
    of ikpipe left the replacing to the service.
    """
    folder, slash, name = path.rpartition("/")
    forms = [name, normalize("NFC", name)]
    if names == "stored":
        forms += map(stored_name, forms[:])
    return [folder + slash + form for form in dict.fromkeys(forms)]


def path_as_sent(path: str, name: str | None) -> str:
    """Return the path under which a file was sent; earlier versions of ikpipe noted the path that it became."""
    folder = path[: path.rfind("/") + 1]
    return (
        folder + name
        if name is not None and canonical_path(folder + name, "stored") == canonical_path(path, "stored")
        else path
    )
