"""The mapping in the ``attrs`` of results: what `retry` takes of it, and what the caller has to pass again.

Whoever writes a results file writes its mapping too. So it is checked as a caller's would be, and it never says which
folder is read (`root`), who downloads (`fetch`), or which address hears of the files (`webhook_url`).
"""

from __future__ import annotations

import datetime
import logging
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from ikpipe.errors import MappingError
from ikpipe.request.known_runs import about, known_by
from ikpipe.request.parameters import BY_WIRE

HOOK = "webhook_url"
_VALUES = (str, int, float, bool, bytes, type(None), Decimal, datetime.date, datetime.time)
_log = logging.getLogger("ikpipe")


def merged(attrs: Mapping[Any, Any], given: Mapping[str, Any], fetch: str | None) -> dict[str, Any]:
    """Return the mapping of a run that retries results.

    Parameters
    ----------
    attrs
        Those of the results.
    given
        What the caller said, as `prepare.gather` returns it; what it does not say is as it was for the results.
    fetch
        Who downloads URLs, where the caller said that.

    Raises
    ------
    MappingError
        The results say something that only the caller may say, or their mapping is not a valid one.
    """
    known = known_by(attrs)
    said = stored(attrs) if known is None else known.mapping
    columns, parameters = _with_hook(said, given)
    if known is None:
        own = columns if columns is not given["columns"] else {}
        _see_passed_again(said, given, fetch, own, parameters)
        _tell(_besides(own, given["columns"]), _besides(parameters, given["parameters"]))
        said = {"file_kind": said["file_kind"]}
    return {
        "columns": columns,
        "root": given["root"] or said.get("root"),
        "file_kind": given["file_kind"] or said.get("file_kind"),
        "fetch": fetch or said.get("fetch", "server"),
        "parameters": {**parameters, **given["parameters"]},
    }


def stored(attrs: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the mapping in a frame's ``attrs``: nothing of it is to be trusted, but it has the form of one.

    Raises
    ------
    MappingError
        It is not one that ikpipe writes.
    """
    said = about(attrs).get("mapping", {})
    if not _named(said):
        raise _invalid()
    columns, parameters, kind, fetch = (said.get(name) for name in ("columns", "parameters", "file_kind", "fetch"))
    columns, parameters = {} if columns is None else columns, {} if parameters is None else parameters
    sound = (
        (_named(columns) and all(map(_is_target, columns.values())))
        and (_named(parameters) and all(map(_is_value, parameters.values())))
        and (kind is None or (isinstance(kind, str) and kind == "base64"))
    )
    if not sound:
        raise _invalid()
    return {
        "columns": dict(columns),
        "parameters": dict(parameters),
        "file_kind": kind,
        "root": None if said.get("root") is None else "said",
        "fetch": "server" if fetch is None or (isinstance(fetch, str) and fetch == "server") else "client",
    }


def _invalid() -> MappingError:
    return MappingError(
        "The mapping in these results is not one that ikpipe writes: remove it (del results.attrs['ikpipe']), and pass "
        "columns= and the parameters again."
    )


def _named(found: Any) -> bool:
    return isinstance(found, Mapping) and all(isinstance(name, str) for name in found)


def _is_target(target: Any) -> bool:
    """Whether an entry of `columns` names a column, or several."""
    if isinstance(target, Mapping):
        return _named(target) and all(map(_is_label, target.values()))
    return all(map(_is_label, target)) if isinstance(target, list) else _is_label(target)


def _is_label(label: Any) -> bool:
    """Whether a column can have this label, so that comparing it with others is safe."""
    return all(map(_is_label, label)) if isinstance(label, tuple) else isinstance(label, _VALUES)


def _is_value(value: Any) -> bool:
    """Whether a parameter can have this value for all rows."""
    if isinstance(value, Mapping):
        return _named(value) and all(map(_is_value, value.values()))
    return all(map(_is_value, value)) if isinstance(value, list | tuple | set) else isinstance(value, _VALUES)


def _gives_hook(names: Mapping[str, Any]) -> bool:
    return bool(only_hook(names))


def only_hook(names: Mapping[str, Any]) -> dict[str, Any]:
    """Return those of some parameters that only a caller may say."""
    return {name: value for name, value in names.items() if BY_WIRE.get(name, name) == HOOK}


def _without_hook(names: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in names.items() if BY_WIRE.get(name, name) != HOOK}


def _with_hook(said: Mapping[str, Any], given: Mapping[str, Any]) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    """Return the columns, and the parameters of the results: an address that the caller passes replaces theirs.

    The caller's columns stand in for all of theirs, unless they are but that address.
    """
    columns, parameters = said.get("columns", {}), said.get("parameters", {})
    if _gives_hook(given["columns"]) or _gives_hook(given["parameters"]):
        columns, parameters = _without_hook(columns), _without_hook(parameters)
    if _gives_hook(given["columns"]) and not _without_hook(given["columns"]):
        return {**columns, **given["columns"]}, parameters
    return given["columns"] or columns, parameters


def _see_passed_again(
    said: Mapping[str, Any],
    given: Mapping[str, Any],
    fetch: str | None,
    columns: Mapping[str, Any],
    parameters: Mapping[str, Any],
) -> None:
    """See that the caller passes whatever only a caller may say.

    Raises
    ------
    MappingError
        Only the results say it; the message has what to pass, and nothing of what they say.
    """
    hook_of_columns = _gives_hook(columns) and not _gives_hook(given["columns"])
    wanted = {
        "root=…": ("--root DIR", said["root"] is not None and given["root"] is None),
        "fetch='client'": ("--fetch client", said["fetch"] != "server" and fetch is None),
        f"columns={{'{HOOK}': …}}": (f"--map {HOOK}=COLUMN", hook_of_columns),
        f"{HOOK}=…": (f"--set {HOOK}=URL", _gives_hook(parameters)),
    }
    missing = {python: option for python, (option, is_missing) in wanted.items() if is_missing}
    if missing:
        raise MappingError(
            "These results are from a run that this process does not know, and ask for more than a mapping. Results "
            "can come from anyone, so these settings are not taken from them. To use them again, pass "
            f"{', '.join(missing)} (on the command line {' '.join(missing.values())}). Otherwise remove them "
            "(del results.attrs['ikpipe']) and pass the whole mapping."
        )


def _besides(names: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in names.items() if name not in given}


def _tell(columns: Mapping[str, Any], parameters: Mapping[str, Any]) -> None:
    """Log which mapping was taken from the results."""
    said = [f"{parameter} ← {_shown(target)}" for parameter, target in columns.items()]
    said += [f"{parameter} = {_shown(value)}" for parameter, value in parameters.items()]
    if said:
        _log.warning("Mapping taken from the results: %s", _one_line(", ".join(said)))


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{name}: {_shown(one)}" for name, one in value.items())
    text = ", ".join(map(_shown, value)) if isinstance(value, list | tuple | set) else str(value)
    return text if len(text) <= 60 else f"{text[:59]}…"  # noqa: PLR2004 - a line


def _one_line(text: str) -> str:
    """Return text without what could steer a terminal."""
    return "".join(char if char.isprintable() else "�" for char in text)
