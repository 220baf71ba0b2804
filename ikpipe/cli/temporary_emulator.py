"""`--emulator`: a temporary emulator for one command."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ikpipe.cli.wording import say
from ikpipe.errors import Error
from ikpipe.frames.io.opening import import_extra
from ikpipe.run.stored_mapping import stored

if TYPE_CHECKING:
    import pandas as pd

    import ikpipe

_DTYPE_TYPES = {"b": "Boolean", "i": "Number", "u": "Number", "f": "Number"}  # by the kind of a column's dtype
_VALUE_TYPES = {bool: "Boolean", int: "Number", float: "Number"}


@contextmanager
def temporary_emulator(folder: Path, frame: pd.DataFrame, mapping: Mapping[str, Any]) -> Iterator[ikpipe.Account]:
    """Run an emulator that has the custom metadata fields that the table needs.

    `folder` is a temporary one for its files, `frame` the table to upload, `mapping` its `columns` and parameters.
    """
    module = import_extra("ikpipe.emulator", "emulator", "The emulator")
    emulator = module.Emulator(folder / "emulator", **_user_keys())
    with emulator:
        if types := metadata_fields(frame, mapping):
            _create_fields(emulator.account, types)
        say(f"--emulator: using a temporary local service at {emulator.url}. Nothing is sent to ImageKit.")
        yield emulator.account
    say(
        "--emulator: nothing was sent to ImageKit. The temporary service has stopped, so its URLs no longer work.",
        "For one that keeps its files: ikpipe emulator",
    )


def _user_keys() -> dict[str, str]:
    """Return the keys of this user's temporary services, so that a journal can be used with the next one.

    They are random and kept in the state folder, readable by the user only. If that is not writable, each service
    has new keys.
    """
    from ikpipe.emulator import keys
    from ikpipe.request.user_folders import state_folder

    try:
        folder = state_folder() / "emulator"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        pair = keys.load_keys(folder) or keys.save_keys(folder, keys.generate_keys())
    except (Error, OSError, ValueError):
        return {}
    return {"public_key": pair.public, "private_key": pair.private}


def metadata_fields(frame: pd.DataFrame, mapping: Mapping[str, Any]) -> dict[str, str]:
    """Return the custom metadata fields that columns and options name, each with a type that fits its cells."""
    earlier = stored(frame.attrs)
    types: dict[str, str] = {}
    for parameters in (earlier["parameters"], mapping):
        constant = _as_object(parameters.get("custom_metadata"))
        types |= {name: _VALUE_TYPES.get(type(value), "Text") for name, value in constant.items()}
    for column in frame.columns:
        prefix, dot, name = str(column).partition(".")
        if dot and prefix in ("custom_metadata", "customMetadata"):
            types[name] = _field_type(frame, column)
    for columns in (earlier["columns"], mapping.get("columns", {})):
        mapped = columns.get("custom_metadata")
        fields = {str(column): column for column in mapped} if isinstance(mapped, list) else _as_object(mapped)
        types |= {name: _field_type(frame, column) for name, column in fields.items() if column in frame}
    return types


def _as_object(value: object) -> dict[str, Any]:
    """Return an object or the object of a JSON text; other values are rejected later."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _field_type(frame: pd.DataFrame, column: object) -> str:
    """Return the type for a column; of several with its name, which are an error later, the first one counts."""
    cells: pd.Series[Any] = frame.loc[:, frame.columns == column].iloc[:, 0]
    return _DTYPE_TYPES.get(cells.convert_dtypes().dtype.kind, "Text")


def _create_fields(account: ikpipe.Account, types: Mapping[str, str]) -> None:
    import pandas as pd

    import ikpipe

    table, schemas = pd.DataFrame(columns=[*types]), {name: {"type": kind} for name, kind in types.items()}
    unlimited = ikpipe.Policy(changes=0)
    changes = ikpipe.create_metadata_fields(
        table, account, columns=types.keys(), schemas=schemas, dry_run=False, policy=unlimited
    )
    failed = changes.loc[changes["ik_change"] == "failed", ["name", "ik_change_message"]]
    for name, message in failed.itertuples(index=False):
        raise Error(f"--emulator: cannot create the custom metadata field {name!r}: {message}")
