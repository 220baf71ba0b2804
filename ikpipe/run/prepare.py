"""Before any row, for `upload` and `check`: check the mapping's settings, and ask for the account's metadata fields."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from ikpipe.errors import Error, MappingError, Message, keyword, sentences
from ikpipe.errors.logs import log_event
from ikpipe.frames.io.opening import similar_name
from ikpipe.frames.near_misses import NearMiss, warning
from ikpipe.request.account import Account
from ikpipe.request.columns import call_or_error
from ikpipe.request.formats import CellFormats
from ikpipe.request.metadata import MetadataField
from ikpipe.request.missing import without_none
from ikpipe.request.names import Names
from ikpipe.request.parameters import BY_WIRE, encode
from ikpipe.request.planner import RequestBuilder
from ikpipe.request.sources import FileResolver
from ikpipe.request.suffixes import SuffixRule
from ikpipe.request.targets import TargetRegistry
from ikpipe.run.existing.rules import ON_EXISTING, is_rule
from ikpipe.run.progress_display import ProgressDisplay
from ikpipe.run.stored_mapping import optional_entries
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import metadata_fields

if TYPE_CHECKING:
    from ikpipe.frames.mapping import ColumnMapping

_log = logging.getLogger("ikpipe.run")

FileKind = Literal["base64"]
Fetch = Literal["server", "client"]


def collect_mapping(
    columns: Mapping[str, Any] | None,
    root: str | Path | None,
    file_kind: str | None,
    fetch: str,
    parameters: Mapping[str, Any],
    formats: Mapping[str, Any] | None = None,
    ignore: Iterable[Any] | str | None = (),
    existing: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Return the mapping of a run, as plain values, which `retry` and `resume` use again.

    `columns`, `root`, `file_kind`, `fetch`, `parameters` and `ignore` are as for `ikpipe.upload`. `formats` are the
    keywords of `CellFormats` that are passed, `existing` those of `EXISTING`. Raise `MappingError` if one of these
    settings is not valid.
    """
    _check_settings(root, file_kind, fetch)
    passed, rules = without_none(formats or {}), without_none(existing or {})
    CellFormats.read(passed)
    _check_existing(rules)
    if "on_existing" in rules:
        parameters = _with_fixed_names(parameters, rules["on_existing"])
    return {
        "columns": dict(columns or {}),
        "root": None if root is None else str(root),
        "file_kind": file_kind,
        "fetch": fetch,
        "parameters": without_none(parameters),
        **optional_entries(passed, _labels(ignore), rules),
    }


def _check_existing(rules: Mapping[str, Any]) -> None:
    """Check the rules about files that are there; raise `MappingError` if one is not valid."""
    for name, value in rules.items():
        if not is_rule(name, value):
            raise MappingError(f"The value must be {_RULES[name]}.", about=keyword(name, value))


_RULES = {
    "on_existing": " or ".join(map(repr, ON_EXISTING)),
    "changed_by": "'content', 'size' or the name of a column",
    "dedupe": "True or False",
}


def _with_fixed_names(parameters: Mapping[str, Any], mode: str) -> dict[str, Any]:
    """Return parameters with fixed names, which files that are there already need.

    Raise `MappingError` if the parameters ask for unique names.
    """
    about, unique = keyword("on_existing", mode), BY_WIRE["useUniqueFileName"]
    for name in (unique, "useUniqueFileName"):
        if (value := parameters.get(name)) is not None and call_or_error(encode, unique, value) == "true":
            fix = Message("Leave out one of the two; ", about, " makes names fixed.")
            raise MappingError("Names cannot be unique and fixed.", fix=fix, about=keyword(unique, value))
    return {unique: False, **parameters}


def _check_settings(root: str | Path | None, file_kind: str | None, fetch: str) -> None:
    """Check the settings that have only a few values, and the root; raise `MappingError` if one is not valid."""
    if file_kind not in (None, "base64"):
        raise MappingError("The value must be 'base64' or None.", about=keyword("file_kind", file_kind))
    if fetch not in ("server", "client"):
        raise MappingError("The value must be 'server' or 'client'.", about=keyword("fetch", fetch))
    if root is not None and not os.path.isdir(root):  # noqa: PTH112 - unlike Path's, False where nobody may look
        words, fix = "This is not a folder that this user can open.", "Check the path and its permissions."
        if _is_missing(root):
            words, fix = f"There is no such folder{similar_name(root)}.", "Correct the path."
        raise MappingError(words, fix=fix, about=keyword("root", str(root)))


def _is_missing(path: str | Path) -> bool:
    """Whether there is certainly no such file or folder: behind a closed folder, nobody knows."""
    try:
        os.lstat(path)
    except (OSError, ValueError) as error:
        return isinstance(error, FileNotFoundError | NotADirectoryError)
    return False


def _labels(columns: Iterable[Any] | str | None) -> list[Any]:
    return [columns] if isinstance(columns, str) else list(columns or ())


def report_mapping(plan: ColumnMapping, display: ProgressDisplay | None = None) -> None:
    """Log the effective mapping of a run, and show it where the progress is shown."""
    log_event(_log, "mapping", "Mapping: %s", plan.text, mapping=plan.text)
    if display is not None:
        display.announce(f"ikpipe: Mapping: {plan.text}")


def log_warning(misses: Collection[NearMiss]) -> None:
    """Log the warning about columns whose names are similar to parameters, if there are any."""
    if misses:
        _log.warning("%s", sentences(*warning(misses)))


async def request_builder(
    wire: ServiceClient,
    account: Account | None,
    mapping: Mapping[str, Any],
    plan: ColumnMapping,
    suffixes: SuffixRule | None = None,
    label: Callable[[int], Any] = int,
    targets: TargetRegistry | None = None,
    names: Names = "stored",
) -> RequestBuilder:
    """Return what turns the rows of a run into requests.

    `wire` and `account` are the client, and the account, whose metadata fields are asked for. `mapping` and `plan` are
    the mapping, as `collect_mapping` returns it, and applied to the columns of the table. `suffixes`, `label`,
    `targets` and `names` are as for `RequestBuilder`.
    """
    root, largest = mapping["root"], account.max_file_size if account is not None else None
    folder, base64 = None if root is None else Path(root), mapping["file_kind"] == "base64"
    files = FileResolver(folder, base64, mapping["fetch"], largest, wire.external_source)
    fields = await known_metadata_fields(wire, account, plan)
    fixed = "on_existing" in mapping.get("existing", {})
    return RequestBuilder(files, fields, suffixes, label, targets, names, plan.formats, fixed_names=fixed)


async def known_metadata_fields(
    client: ServiceClient, account: Account | None, plan: ColumnMapping
) -> Mapping[str, MetadataField] | None:
    """Return the account's metadata fields, where the mapping needs them and the account has its key."""
    needed = plan.provides("custom_metadata") or plan.provides("unset")
    if account is None or account.private_key is None or not needed:
        return None
    try:
        return await metadata_fields(client, account)
    except Error as error:
        if type(error) is not Error:
            raise
        words = "Custom metadata is not checked, since the account's metadata fields could not be read: %s"
        _log.warning(words, error.text)
        return None
