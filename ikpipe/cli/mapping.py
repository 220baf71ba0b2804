"""`--map PARAMETER=COLUMN`, `--set PARAMETER=TEXT`, `--policy FIELD=VALUE` → the keywords of a call."""

from __future__ import annotations

import csv
import io
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ikpipe._errors import MappingError, nearest
from ikpipe._parameters import BY_WIRE, TABLE
from ikpipe._policy import Policy

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Mapping


def call(options: Namespace) -> dict[str, Any]:
    """Gather the mapping as the library's keywords; what was not given is left to it."""
    given = {name: getattr(options, name) for name in ("root", "file_kind", "fetch")}
    return {
        "columns": columns(options.map),
        **{name: value for name, value in given.items() if value is not None},
        **keywords(options.set),
    }


def columns(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Gather `--map` options.

    Tags take several columns, whose values are joined. Custom metadata takes columns that are named like their
    fields; ``custom_metadata.FIELD`` takes one column of any name. A column's name with a comma stands in double
    quotes where several are listed.

    Raises
    ------
    MappingError
        There is no such parameter, or it is given twice.
    """
    found: dict[str, Any] = {}
    for given, text in pairs:
        name, field = _split(given, "--map")
        if field is not None:
            _put(found.setdefault(name, {}), field, text, f"--map {given}")
        elif name == "custom_metadata":
            for column in _listed(text):
                _put(found.setdefault(name, {}), column, column, f"--map {given}={column}")
        elif name == "tags":
            found.setdefault(name, []).extend(_listed(text))
        else:
            _put(found, name, text, f"--map {given}")
    return found


def keywords(pairs: Iterable[tuple[str, str]], option: str = "--set") -> dict[str, Any]:
    """Gather `--set` options; ``custom_metadata.FIELD`` sets one field.

    Raises
    ------
    MappingError
        There is no such parameter, or it is given twice.
    """
    found: dict[str, Any] = {}
    for given, text in pairs:
        name, field = _split(given, option)
        if field is None:
            _put(found, name, text, f"{option} {given}")
            continue
        fields = found.setdefault(name, {})
        if not isinstance(fields, dict):
            raise MappingError(f"{option} {given}: custom_metadata is given as a whole already.")
        _put(fields, field, text, f"{option} {given}")
    return found


def words(mapping: Mapping[str, Any]) -> list[str]:
    """Write a run's mapping as options: the words that say it again."""
    found = []
    for name, target in mapping["columns"].items():
        if isinstance(target, dict) and any(field != column for field, column in target.items()):
            found += [word for field, column in target.items() for word in ("--map", f"{name}.{field}={column}")]
        else:
            found += ["--map", f"{name}={target if isinstance(target, str) else _joined(target)}"]
    for name, value in mapping["parameters"].items():
        given = {f"{name}.{key}": one for key, one in value.items()} if isinstance(value, dict) else {name: value}
        found += [word for key, one in given.items() for word in ("--set", f"{key}={one}")]
    options = {"--root": mapping["root"], "--file-kind": mapping["file_kind"]}
    options["--fetch"] = None if mapping["fetch"] == "server" else mapping["fetch"]
    return found + [word for option, value in options.items() if value is not None for word in (option, value)]


def _joined(columns: Iterable[object]) -> str:
    """Write columns as `_listed` reads them."""
    stream = io.StringIO()
    csv.writer(stream, lineterminator="").writerow(list(columns))
    return stream.getvalue()


def policy(pairs: Iterable[tuple[str, str]]) -> Policy:
    """Gather `--policy` options.

    Raises
    ------
    MappingError
        There is no such field, or it is given twice, or its value is none for it.
    """
    numbers = {field.name: isinstance(field.default, float) for field in fields(Policy)}
    found: dict[str, Any] = {}
    for name, text in pairs:
        if name not in numbers:
            raise MappingError(f"--policy {name}: a policy has no field {name!r}{nearest(name, numbers)}.")
        _put(found, name, _number(name, text) if numbers[name] else text, f"--policy {name}")
    return Policy(**found)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise MappingError(f"--policy {name}={text}: it takes a number.") from None


def _split(given: str, option: str) -> tuple[str, str | None]:
    """Part a name such as ``custom_metadata.brand``, and see that there is such a parameter."""
    spelt, dot, field = given.partition(".")
    name = BY_WIRE.get(spelt, spelt)
    if name != "token" and (name not in TABLE or (dot and (name != "custom_metadata" or not field))):
        raise MappingError(f"{option} {given}: there is no upload parameter {given!r}{nearest(spelt, TABLE)}.")
    return name, field if dot else None


def _put(found: dict[str, Any], key: str, value: object, option: str) -> None:
    if key in found:
        raise MappingError(f"{option} is given twice; say it once.")
    found[key] = value


def _listed(text: str) -> list[str]:
    """Part a list of columns at its commas, as CSV does."""
    return next(csv.reader([text], skipinitialspace=True), [text])
