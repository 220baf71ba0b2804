"""The texts of rows' values, column by column, and what is wrong with them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from typing import Any

from ikpipe.errors import InvalidValue
from ikpipe.request.columns import call_or_error, cell_types, map_distinct, map_present
from ikpipe.request.formats import CellFormats
from ikpipe.request.metadata import MetadataField, fit
from ikpipe.request.parameters import LABELS, encode, writes_text
from ikpipe.request.values import encodable


class RowErrors(defaultdict[int, list[tuple[str, InvalidValue]]]):
    """The errors of some rows: offset of the row → parameters and what is wrong with them."""

    def __init__(self) -> None:
        super().__init__(list)

    def has(self, offset: int, *parameters: str) -> bool:
        """Whether one of these parameters of a row has an error."""
        return offset in self and any(name in parameters for name, _ in self[offset])

    def collect(self, parameter: str, column: list[Any]) -> list[Any]:
        """Add a column's errors, and return the column with None instead of them."""
        if InvalidValue not in cell_types(column):
            return column
        for offset, value in enumerate(column):
            if isinstance(value, InvalidValue):
                self[offset].append((parameter, value.of(LABELS[parameter])))
        return [None if isinstance(value, InvalidValue) else value for value in column]


def fitted_metadata(
    column: list[Any], fields: Mapping[str, MetadataField], formats: CellFormats, errors: RowErrors
) -> list[Any]:
    """Return custom metadata in the types of the account's fields."""
    pairs = [
        (None, [("custom_metadata", pair)]) if isinstance(pair, InvalidValue) else pair
        for pair in map_distinct(partial(_fitted_row, fields, formats), column)
    ]
    for offset, (_, bad) in enumerate(pairs):
        if bad:
            errors[offset].extend(bad)
    return [good for good, _ in pairs]


def _fitted_row(
    fields: Mapping[str, MetadataField], formats: CellFormats, metadata: Mapping[str, Any] | None
) -> tuple[dict[str, Any] | None, list[tuple[str, InvalidValue]]]:
    """Return the values that fit their fields, and the errors of the others."""
    values = {name: call_or_error(fit, value, name, fields, formats) for name, value in (metadata or {}).items()}
    good = {name: value for name, value in values.items() if not isinstance(value, InvalidValue)}
    bad = [(f"custom_metadata.{name}", value) for name, value in values.items() if isinstance(value, InvalidValue)]
    return None if metadata is None else good, bad


def encoded_texts(name: str, column: list[Any]) -> list[Any]:
    """Return the texts that are sent for a parameter's values; a value that breaks its rule is an `InvalidValue`."""
    if writes_text(name) and cell_types(column) == {str} and encodable("".join(column)):
        return column
    return map_present(partial(encode, name), column)
