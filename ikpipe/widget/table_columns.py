"""What the columns of a table from a page may be, by the rules of `ikpipe.upload` and by their names. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ikpipe.frames.missing_file import likely_column
from ikpipe.frames.near_misses import METADATA as SPELLINGS
from ikpipe.frames.near_misses import near_misses
from ikpipe.request.metadata import MetadataField
from ikpipe.request.parameters import python_name
from ikpipe.widget.message_fields import METADATA
from ikpipe.widget.table_messages import FILE, USES


def guessed_uses(frame: pd.DataFrame, columns: Mapping[str, Any], fields: Mapping[str, MetadataField]) -> list[str]:
    """Return what each column of a table may be, ``""`` where it is not used; the user confirms it.

    The first of these that says something decides: the keyword `columns` of the uploader; a name that is that of a
    parameter or a metadata field, or almost; for the file, the cells. `fields` are the account's metadata fields.
    """
    labels = [str(label) for label in frame.columns]
    mapped = _mapped_uses(columns)
    near = {str(miss.label): miss.name for miss in near_misses(labels, ())}
    by_label = {text.casefold(): name for name, field in fields.items() for text in (name, field.label or name)}
    uses, taken = [], set[str]()
    for label in labels:
        own = _own_use(label)
        field = by_label.get(label.casefold())
        found = (mapped.get(label), own, near.get(label), None if field is None else f"{METADATA}{field}")
        use = next(
            (use for use in found if use is not None and is_use(use) and (use == "tags" or use not in taken)), ""
        )
        taken.add(use)
        uses.append(use)
    if FILE not in uses:
        free = [at for at, use in enumerate(uses) if not use]
        likely = likely_column(frame, free).get(FILE)
        uses = [FILE if at in free and frame.columns[at] == likely else use for at, use in enumerate(uses)]
    return uses


def is_use(use: str) -> bool:
    """Whether this is something that a column can be."""
    return use in USES or (use.startswith(METADATA) and len(use) > len(METADATA))


def _own_use(label: str) -> str | None:
    for spelling in SPELLINGS:
        if label.startswith(spelling):
            return f"{METADATA}{label.removeprefix(spelling)}"
    name = python_name(label)
    return name if name in USES else None


def _mapped_uses(columns: Mapping[str, Any]) -> dict[str, str]:
    uses: dict[str, str] = {}
    for parameter, target in columns.items():
        name = python_name(parameter)
        if isinstance(target, Mapping):
            uses |= {str(label): f"{METADATA}{field}" for field, label in target.items()}
        elif isinstance(target, list):
            prefix = METADATA if name == METADATA.rstrip(".") else ""
            uses |= {str(label): f"{prefix}{label}" if prefix else name for label in target}
        else:
            uses[str(target)] = name
    return uses
