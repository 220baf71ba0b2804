"""What becomes of a file that the library has under a row's name: a page may decide it, unless Python has."""

from collections.abc import Iterable, Mapping
from typing import Any

from ikpipe.request.columns import call_or_error
from ikpipe.request.formats import CellFormats
from ikpipe.request.parameters import BY_WIRE
from ikpipe.run.existing.rules import ExistingRules
from ikpipe.widget.message_fields import NAMING, InvalidMessage

_PROTECTS = {"use_unique_file_name": "true", "overwrite_file": "false"}
"""The values of keywords with which no file of the library is replaced."""


def may_replace(mapping: Mapping[str, Any]) -> bool:
    """Whether a page may let a file replace one of the library.

    It may not if a keyword of the uploader excludes it, `on_existing` decides it, or a column does.
    """
    formats = CellFormats.read(mapping.get("formats", {}))
    parameters = {BY_WIRE.get(name, name): value for name, value in mapping["parameters"].items()}
    columns = {BY_WIRE.get(name, name) for name in mapping["columns"]}
    protected = any(
        name in columns or (name in parameters and call_or_error(formats.to_flag, parameters[name]) == value)
        for name, value in _PROTECTS.items()
    )
    return not protected and ExistingRules.of(mapping).on_existing is None


def check_naming(mapping: Mapping[str, Any], column: str, values: Iterable[Any]) -> None:
    """Raise `InvalidMessage` if a page may not set a column to these values."""
    if column not in NAMING:
        return
    values = [value for value in values if value is not None]
    if not all(isinstance(value, bool) for value in values):
        raise InvalidMessage("value is not a boolean")
    decided = ExistingRules.of(mapping).on_existing is not None
    replaces = column == "overwrite_file" or False in values
    if values and (decided or (replaces and not may_replace(mapping))):
        raise InvalidMessage("this uploader does not replace files of the library", reason="read_only")


def allowed_edits(mapping: Mapping[str, Any], edits: Mapping[str, Any]) -> dict[str, Any]:
    """Return the edits of a row of an ended kernel without those that a page may not make in this uploader."""
    allowed = dict(edits)
    for column in NAMING:
        try:
            check_naming(mapping, column, [edits.get(column)])
        except InvalidMessage:
            del allowed[column]
    return allowed
