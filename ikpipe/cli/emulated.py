"""`--emulator`: a temporary service on this machine, for one command."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from ikpipe.cli.wording import say
from ikpipe.errors import Error, MissingExtra
from ikpipe.run.stored_mapping import stored

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    import pandas as pd

    import ikpipe

_TYPES = {"b": "Boolean", "i": "Number", "u": "Number", "f": "Number"}  # by the kind of a column's dtype
_CONSTANTS = {bool: "Boolean", int: "Number", float: "Number"}


def service() -> Any:
    """Return the emulator module, or raise an error that names its extra."""
    try:
        import ikpipe.emulator
    except ImportError:
        raise MissingExtra.for_extra("emulator", "The emulator") from None
    return ikpipe.emulator


@contextmanager
def emulated(frame: pd.DataFrame, given: Mapping[str, Any]) -> Iterator[ikpipe.Account]:
    """Run an emulator that has the custom metadata fields that the table needs.

    Parameters
    ----------
    frame
        The table to upload.
    given
        The mapping: `columns` and parameters.
    """
    emulator = service().Emulator(**_keys())
    with emulator:
        if types := metadata_fields(frame, given):
            _create(emulator.account, types)
        say(f"--emulator: using a temporary local service at {emulator.url}. Nothing is sent to ImageKit.")
        yield emulator.account
    say("--emulator: nothing was sent to ImageKit. The temporary service has stopped, so its URLs no longer work.")


def _keys() -> dict[str, str]:
    """Return the keys of this user's temporary services, so that a journal can be used with the next one.

    They are random and kept in the state folder, readable by the user only. If that is not writable, each service
    has new keys.
    """
    from ikpipe.emulator import keys
    from ikpipe.journal.catalog import folder as journals

    folder = journals().parent / "emulator"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        pair = keys.kept(folder) or keys.keep(folder, keys.made())
    except (OSError, ValueError):
        return {}
    return {"public_key": pair.public, "private_key": pair.private}


def metadata_fields(frame: pd.DataFrame, given: Mapping[str, Any]) -> dict[str, str]:
    """Return the custom metadata fields that columns and options name, each with a type that fits its cells."""
    before = stored(frame.attrs)
    found: dict[str, str] = {}
    for mapping in (before["parameters"], given):
        constant = _object(mapping.get("custom_metadata"))
        found |= {name: _CONSTANTS.get(type(value), "Text") for name, value in constant.items()}
    for column in frame.columns:
        prefix, dot, name = str(column).partition(".")
        if dot and prefix in ("custom_metadata", "customMetadata"):
            found[name] = _kind(frame[column])
    for columns in (before["columns"], given.get("columns", {})):
        mapped = columns.get("custom_metadata")
        fields = {str(column): column for column in mapped} if isinstance(mapped, list) else _object(mapped)
        found |= {name: _kind(frame[column]) for name, column in fields.items() if column in frame}
    return found


def _object(given: object) -> dict[str, Any]:
    """Return an object or the object of a JSON text; other values are rejected later."""
    if isinstance(given, str):
        try:
            given = json.loads(given)
        except (ValueError, RecursionError):
            return {}
    return given if isinstance(given, dict) else {}


def _kind(cells: pd.Series[Any]) -> str:
    return _TYPES.get(cells.convert_dtypes().dtype.kind, "Text")


def _create(account: ikpipe.Account, types: Mapping[str, str]) -> None:
    import pandas as pd

    import ikpipe

    table, schemas = pd.DataFrame(columns=[*types]), {name: {"type": kind} for name, kind in types.items()}
    swift = ikpipe.Policy(changes=0)
    made = ikpipe.create_metadata_fields(
        table, account, columns=types.keys(), schemas=schemas, dry_run=False, policy=swift
    )
    for name, words in made.loc[made["ik_change"] == "failed", ["name", "ik_change_message"]].itertuples(index=False):
        raise Error(f"--emulator: cannot create the custom metadata field {name!r}: {words}")
