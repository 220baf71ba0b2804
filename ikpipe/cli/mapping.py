"""Convert `--map`, `--set` and `--policy` options to the keywords of a call, and back."""

from __future__ import annotations

import csv
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from ikpipe.errors import MappingError, did_you_mean, short_repr
from ikpipe.request.parameters import BY_WIRE, TABLE, encode
from ikpipe.request.policy import Policy
from ikpipe.request.values import tag_list, to_json
from ikpipe.run.stored_mapping import only_hook

if TYPE_CHECKING:
    from argparse import Namespace
    from collections.abc import Iterable, Iterator, Mapping


def call(options: Namespace) -> dict[str, Any]:
    """Return the mapping as the library's keywords, without options that are not set."""
    given = {name: getattr(options, name) for name in ("root", "file_kind", "fetch")}
    return {
        "columns": columns(options.map),
        **{name: value for name, value in given.items() if value is not None},
        **keywords(options.set),
    }


def gathered(options: Namespace) -> dict[str, Any]:
    """Return the mapping in the form in which a run stores it."""
    from ikpipe.run.prepare import collect_mapping

    given = call(options)
    named = {name: given.pop(name, None) for name in ("columns", "root", "file_kind")}
    return collect_mapping(**named, fetch=given.pop("fetch", "server"), parameters=given)


def columns(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """Return the mapping of `--map` options.

    Tags take several columns, whose values are joined. Custom metadata takes columns named like their fields;
    ``custom_metadata.FIELD`` takes one column of any name. In a list, a column name that contains a comma is written
    in double quotes.

    Raises
    ------
    MappingError
        The parameter does not exist or is set twice.
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
    """Return the keywords of `--set` options; ``custom_metadata.FIELD`` sets one field.

    Raises
    ------
    MappingError
        The parameter does not exist or is set twice.
    """
    found: dict[str, Any] = {}
    for given, text in pairs:
        name, field = _split(given, option)
        if field is None:
            _put(found, name, text, f"{option} {given}")
            continue
        fields = found.setdefault(name, {})
        if not isinstance(fields, dict):
            raise MappingError(f"{option} {given}: custom_metadata is already set as a whole.")
        _put(fields, field, text, f"{option} {given}")
    return found


def words(mapping: Mapping[str, Any], *, kept: bool = False) -> list[str]:
    """Return a run's mapping as command-line options.

    Parameters
    ----------
    mapping
        The mapping of the run.
    kept
        Whether the results file has the mapping, so that only what `retry` does not read from it is needed.

    Raises
    ------
    MappingError
        It was set in Python, and no option can express it.
    """
    found = []
    if kept:
        said = {part: only_hook(mapping[part]) for part in ("columns", "parameters")}
        mapping = {**mapping, **said, "file_kind": None}
    for name, target in mapping["columns"].items():
        found += [word for said in _mapped(BY_WIRE.get(name, name), target) for word in ("--map", said)]
    for name, value in mapping["parameters"].items():
        found += [word for said in _set(BY_WIRE.get(name, name), value) for word in ("--set", said)]
    options = {"--root": mapping["root"], "--file-kind": mapping["file_kind"]}
    options["--fetch"] = None if mapping["fetch"] == "server" else mapping["fetch"]
    for option, text in options.items():
        # Written as one word, since text that begins with a dash would be taken for an option.
        found += [] if text is None else [f"{option}={text}"] if text.startswith("-") else [option, text]
    return found


def _mapped(name: str, target: Any) -> Iterator[str]:
    """Write an entry of `columns`, each column or list as `--map` takes it."""
    if name == "custom_metadata" and isinstance(target, list):
        target = {str(column): column for column in target}
    if name == "custom_metadata" and isinstance(target, dict):
        if all(field == str(column) for field, column in target.items()):
            yield f"{name}={_joined(target)}"
            return
        for field, column in target.items():
            if not _plain(field):
                raise MappingError(f"No option can name the metadata field {field!r}.")
            yield f"{name}.{field}={column}"
    elif name == "custom_metadata":  # an option would take it for the column of one field
        raise MappingError(f"No option can take custom_metadata from {target!r}, a column of objects.")
    elif name == "tags":
        yield f"{name}={_joined(target if isinstance(target, list) else [target])}"
    else:
        yield f"{name}={target}"


def _set(name: str, value: Any) -> Iterator[str]:
    """Return the `--set` options that are equivalent to a keyword; none for a missing value."""
    from pandas import isna
    from pandas.api.types import is_scalar

    if isinstance(value, str):
        yield f"{name}={value}"
    elif is_scalar(value) and isna(value):
        return
    elif name == "custom_metadata" and all(_plain(key) and isinstance(one, str) for key, one in value.items()):
        yield from (f"{name}.{key}={one}" for key, one in value.items())
    else:
        yield f"{name}={_text(name, value)}"


def _plain(field: object) -> bool:
    """Whether a metadata field can be written before the ``=`` of an option."""
    return isinstance(field, str) and bool(field) and "=" not in field


def _text(name: str, value: Any) -> str:
    """Return the text for a keyword's value that is not text."""
    if name == "file":
        raise MappingError(f"No option can express {name}={short_repr(value)}.")
    if name != "tags":
        text = encode(name, value)
    elif isinstance(value, list) and any("{" in str(tag) for tag in value):
        return ",".join(map(str, value))  # a template, as the library has it
    else:
        text = to_json(tag_list(value))
    return text.replace("{", "{{").replace("}", "}}") if TABLE[name].template else text


def _joined(columns: Iterable[object]) -> str:
    """Return a list of columns as text that `_listed` reads."""
    return ",".join(_quoted(str(column)) for column in columns)


def _quoted(column: str) -> str:
    special = not column or column[0].isspace() or any(char in column for char in ',"\r\n')
    return '"' + column.replace('"', '""') + '"' if special else column


def policy(pairs: Iterable[tuple[str, str]]) -> Policy:
    """Return the policy of `--policy` options.

    Raises
    ------
    MappingError
        The field does not exist or is set twice, or its value is not valid.
    """
    numbers = {field.name: isinstance(field.default, int | float) for field in fields(Policy)}
    found: dict[str, Any] = {}
    for name, text in pairs:
        if name not in numbers:
            raise MappingError(f"--policy {name}: there is no policy field {name!r}{did_you_mean(name, numbers)}.")
        _put(found, name, _number(name, text) if numbers[name] else text, f"--policy {name}")
    return Policy(**found)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise MappingError(f"--policy {name}={text}: this field takes a number.") from None


def _split(given: str, option: str) -> tuple[str, str | None]:
    """Split a name such as ``custom_metadata.brand``, and check that the parameter exists."""
    spelt, dot, field = given.partition(".")
    name = BY_WIRE.get(spelt, spelt)
    if name != "token" and (name not in TABLE or (dot and (name != "custom_metadata" or not field))):
        raise MappingError(f"{option} {given}: there is no upload parameter {given!r}{did_you_mean(spelt, TABLE)}.")
    return name, field if dot else None


def _put(found: dict[str, Any], key: str, value: object, option: str) -> None:
    if key in found:
        raise MappingError(f"{option} is set twice. Set it once.")
    found[key] = value


def _listed(text: str) -> list[str]:
    """Split a list of columns at its commas, as CSV does."""
    return next(csv.reader([text], skipinitialspace=True), [text])
