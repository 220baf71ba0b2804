"""Convert `--map`, `--set`, `--policy` and the options of reading to the keywords of a call, and back."""

import csv
from argparse import Namespace
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import fields
from typing import Any

from ikpipe.errors import MappingError, did_you_mean, short_repr
from ikpipe.frames.io.options import ReadOptions
from ikpipe.request.formats import FORMATS, CellFormats
from ikpipe.request.missing import missing, without_none
from ikpipe.request.parameters import BY_WIRE, LISTS, NAMES, PATH, TABLE, UPDATE_TABLE, encode, python_name
from ikpipe.request.policy import Policy
from ikpipe.request.values import tag_list, to_json
from ikpipe.run.existing.rules import EXISTING
from ikpipe.run.stored_mapping import only_hook

_OPTIONS = {"fetch_hosts": "--fetch-host", "true_values": "--true", "false_values": "--false"}


def call_keywords(options: Namespace) -> dict[str, Any]:
    """Return the mapping as the library's keywords, without options that are not set."""
    others = ("root", "file_kind", "fetch", *FORMATS, *EXISTING)  # which not all commands have
    values = {name: getattr(options, name, None) for name in others} | {"ignore": options.ignore or None}
    purpose = "update" if options.command == "update" else "upload"
    return {
        "columns": columns(options.map, purpose),
        **without_none(values),
        **keywords([*options.set, *([] if options.path is None else [(PATH, options.path)])], purpose=purpose),
    }


def read_options(options: Namespace) -> ReadOptions:
    """Return how the table is read."""
    return ReadOptions(**{one.name: getattr(options, one.name) for one in fields(ReadOptions)})


def run_mapping(options: Namespace) -> dict[str, Any]:
    """Return the mapping in the form in which a run stores it."""
    from ikpipe.run.prepare import collect_mapping

    parameters = call_keywords(options)
    named = {name: parameters.pop(name, None) for name in ("columns", "ignore", "root", "file_kind")}
    formats, existing = ({name: parameters.pop(name, None) for name in some} for some in (FORMATS, EXISTING))
    fetch = parameters.pop("fetch", "server")
    return collect_mapping(**named, fetch=fetch, parameters=parameters, formats=formats, existing=existing)


def columns(pairs: Iterable[tuple[str, str]], purpose: str = "upload") -> dict[str, Any]:
    """Return the mapping of `--map` options.

    Tags take several columns, whose values are joined. Custom metadata takes columns named like their fields;
    ``custom_metadata.FIELD`` takes one column of any name. In a list, a column name that contains a comma is written in
    double quotes. `purpose` is ``upload`` or ``update``, which have different parameters.

    Raise `MappingError` if the parameter does not exist or is set twice.
    """
    result: dict[str, Any] = {}
    for typed, text in pairs:
        name, field = _split_name(typed, "--map", purpose)
        if field is not None:
            _set_once(result.setdefault(name, {}), field, text, f"--map {typed}")
        elif name == "custom_metadata":
            for column in split_columns(text):
                _set_once(result.setdefault(name, {}), column, column, f"--map {typed}={column}")
        elif name in LISTS:
            result.setdefault(name, []).extend(split_columns(text))
        else:
            _set_once(result, name, text, f"--map {typed}")
    return result


def keywords(pairs: Iterable[tuple[str, str]], option: str = "--set", purpose: str = "upload") -> dict[str, Any]:
    """Return the keywords of `--set` options; ``custom_metadata.FIELD`` sets one field.

    `purpose` is as for `columns`.

    Raise `MappingError` if the parameter does not exist or is set twice.
    """
    result: dict[str, Any] = {}
    for typed, text in pairs:
        name, field = _split_name(typed, option, purpose)
        if field is None:
            _set_once(result, name, text, f"{option} {typed}")
            continue
        fields = result.setdefault(name, {})
        if not isinstance(fields, dict):
            raise MappingError(f"{option} {typed}: custom_metadata is already set as a whole.")
        _set_once(fields, field, text, f"{option} {typed}")
    return result


def to_options(mapping: Mapping[str, Any], *, in_file: bool = False) -> list[str]:
    """Return a run's mapping as command-line options.

    `in_file` says whether the results file has the mapping, so that only what `retry` does not read from it is needed.
    Raise `MappingError` if the mapping was set in Python, and no option can express it.
    """
    options = []
    if in_file:
        unstored = {part: only_hook(mapping[part]) for part in ("columns", "parameters")}
        mapping = {**mapping, **unstored, "file_kind": None, "formats": {}, "ignore": [], "existing": {}}
    separator = CellFormats.read(mapping.get("formats", {})).tag_separator
    options += column_options(mapping["columns"])
    for name, value in mapping["parameters"].items():
        texts = () if name == PATH else _set_options(BY_WIRE.get(name, name), value, separator)
        options += [word for text in texts for word in ("--set", text)]
    return options + [word for name, values in _other_options(mapping).items() for word in option(name, values)]


def option(name: str, values: Iterable[object]) -> list[str]:
    """Return an option with each of some values, except None."""
    texts = [str(value) for value in values if value is not None]
    # Written as one word, since text that begins with a dash would be taken for an option.
    return [word for text in texts for word in ([f"{name}={text}"] if text.startswith("-") else [name, text])]


def option_name(keyword: str) -> str:
    """Return the option for a keyword that is not a parameter."""
    return _OPTIONS.get(keyword, f"--{keyword.replace('_', '-')}")


def column_options(columns: Mapping[str, Any]) -> list[str]:
    """Return the `--map` options for the keyword `columns`."""
    texts = (text for name, target in columns.items() for text in _map_options(BY_WIRE.get(name, name), target))
    return [word for text in texts for word in ("--map", text)]


def _other_options(mapping: Mapping[str, Any]) -> dict[str, list[Any]]:
    """Return the options of a mapping that are not `--map` or `--set`, with their values."""
    fetch = mapping["fetch"]
    formats = mapping.get("formats", {})
    return {
        "--ignore": mapping.get("ignore", []),
        "--path": [mapping["parameters"].get(PATH)],
        "--root": [mapping["root"]],
        "--file-kind": [mapping["file_kind"]],
        "--fetch": [None if fetch == "server" else fetch],
        **{
            option_name(name): _words(given) for name, given in [*formats.items(), *mapping.get("existing", {}).items()]
        },
    }


def _words(given: Any) -> list[str]:
    return [given] if isinstance(given, str) else list(given)


def _map_options(name: str, target: Any) -> Iterator[str]:
    """Return the `--map` options for an entry of `columns`."""
    if name == "custom_metadata":
        yield from _field_options(target)
    elif name == "tags":
        yield f"{name}={_join_columns(target if isinstance(target, list) else [target])}"
    else:
        yield f"{name}={target}"


def _field_options(target: Any) -> Iterator[str]:
    """Return the `--map` options for the columns of custom metadata."""
    if isinstance(target, list):
        target = {str(column): column for column in target}
    if not isinstance(target, dict):  # --map would read it as the column of one field
        raise MappingError(f"No option can take custom_metadata from {target!r}, a column of objects.")
    if all(field == str(column) for field, column in target.items()):
        yield f"custom_metadata={_join_columns(target)}"
        return
    for field, column in target.items():
        if not _is_option_name(field):
            raise MappingError(f"No option can name the metadata field {field!r}.")
        yield f"custom_metadata.{field}={column}"


def _set_options(name: str, value: Any, separator: str) -> Iterator[str]:
    """Return the `--set` options that are equivalent to a keyword; none for a missing value."""
    if isinstance(value, str):
        yield f"{name}={value}"
    elif missing(value):
        return
    elif name == "custom_metadata" and all(
        _is_option_name(key) and isinstance(text, str) for key, text in value.items()
    ):
        yield from (f"{name}.{key}={text}" for key, text in value.items())
    else:
        yield f"{name}={_value_text(name, value, separator)}"


def _is_option_name(field: object) -> bool:
    """Whether a metadata field can be written before the ``=`` of an option."""
    return isinstance(field, str) and bool(field) and "=" not in field


def _value_text(name: str, value: Any, separator: str) -> str:
    """Return a keyword's value, which is not text, as the text of an option."""
    if name == "file":
        raise MappingError(f"No option can express {name}={short_repr(value)}.")
    if name != "tags":
        text = encode(name, value)
    elif isinstance(value, list) and any("{" in str(tag) for tag in value):
        return separator.join(map(str, value))  # a template, as the library has it
    else:
        text = to_json(tag_list(value))
    return text.replace("{", "{{").replace("}", "}}") if TABLE[name].template else text


def _join_columns(columns: Iterable[object]) -> str:
    """Return a list of columns as text that `_listed` reads."""
    return ",".join(_quote_column(str(column)) for column in columns)


def _quote_column(column: str) -> str:
    special = not column or column[0].isspace() or any(char in column for char in ',"\r\n')
    return '"' + column.replace('"', '""') + '"' if special else column


def request_settings(options: Namespace) -> dict[str, Any]:
    """Return the keywords of functions of the library about requests: policy and time limit."""
    return {"policy": policy(options.policy), "timeout": options.timeout}


def policy(pairs: Iterable[tuple[str, str]]) -> Policy:
    """Return the policy of `--policy` options.

    Raise `MappingError` if the field does not exist or is set twice, or its value is not valid.
    """
    numbers = {field.name: isinstance(field.default, int | float) for field in fields(Policy)}
    values: dict[str, Any] = {}
    for name, text in pairs:
        if name not in numbers:
            raise MappingError(f"--policy {name}: there is no policy field {name!r}{did_you_mean(name, numbers)}.")
        _set_once(values, name, _number(name, text) if numbers[name] else text, f"--policy {name}")
    return Policy(**values)


def _number(name: str, text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise MappingError(f"--policy {name}={text}: this field takes a number.") from None


_NAMES = {"upload": NAMES, "update": (*UPDATE_TABLE, PATH)}


def _split_name(typed: str, option: str, purpose: str) -> tuple[str, str | None]:
    """Split a name such as ``custom_metadata.brand``, and check that the parameter exists."""
    spelling, dot, field = typed.partition(".")
    name = python_name(spelling)
    if name != "token" and (name not in _NAMES[purpose] or (dot and (name != "custom_metadata" or not field))):
        suggestion = _suggestion(spelling, option, purpose)
        raise MappingError(f"{option} {typed}: there is no {purpose} parameter {typed!r}{suggestion}.")
    return name, field if dot else None


def _suggestion(typed: str, option: str, purpose: str) -> str:
    """Return the parameter of the most similar name, or an option, which is set without `--set`."""
    from ikpipe.cli.parser import parser

    options = parser().commands[purpose].options if option == "--set" else ()
    return did_you_mean(option_name(typed), options, cutoff=0.85) or did_you_mean(typed, _NAMES[purpose])


def _set_once(values: dict[str, Any], key: str, value: object, option: str) -> None:
    if key in values:
        raise MappingError(f"{option} is set twice. Set it once.")
    values[key] = value


def split_columns(text: str) -> list[str]:
    """Split a list of columns at its commas, as CSV does."""
    return next(csv.reader([text], skipinitialspace=True), [text])
