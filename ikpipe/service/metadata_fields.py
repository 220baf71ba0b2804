"""`metadata_fields`, `create_metadata_fields`: an account's custom metadata fields, and those that a frame asks for."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.control import rest, to_sync
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import AccountError, Error
from ikpipe.frames.schemas import FieldPlan, fields_frame, planned, planned_frame
from ikpipe.request.metadata import fields_of
from ikpipe.request.policy import Policy
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import FIELDS, listed_fields

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Mapping

    import httpx
    import pandas as pd

    from ikpipe.request.account import Account
    from ikpipe.request.metadata import MetadataField

_TEXTS = {"Text", "Textarea"}


async def _metadata_fields(account: Account, *, transport: httpx.AsyncBaseTransport | None = None) -> pd.DataFrame:
    """List the account's custom metadata fields as a frame.

    Parameters
    ----------
    account
        Must hold the private key.
    transport
        An httpx transport to use instead of the network.

    Returns
    -------
    pandas.DataFrame
        A row a field: ``id, name, label, type, schema``.

    Raises
    ------
    AccountError
        There is no private key, or it is refused.
    """
    async with ServiceClient(transport) as wire:
        return fields_frame(await listed_fields(wire, account))


async def _create_metadata_fields(
    frame: Any,
    account: Account,
    *,
    columns: Mapping[str, Hashable] | Iterable[Hashable] | None = None,
    schemas: Mapping[str, Mapping[str, Any]] | None = None,
    dry_run: bool = True,
    policy: Policy | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> pd.DataFrame:
    """Create the custom metadata fields that a frame's columns ask for, and the account has not.

    The type goes by a column's dtype and cells: Boolean; Number; Date; SingleSelect with the categories of a
    categorical; MultiSelect with all items of lists; Textarea for text of several lines or more than 255 characters;
    else Text. A field's name can not be used again once it is deleted (spec), so `dry_run` is on: look at what it says,
    then do it.

    Parameters
    ----------
    frame
        The table; only its columns are read.
    account
        Must hold the private key.
    columns
        ``["brand", "colour"]``, whose fields are named like them, or ``{"brand": "Brand name"}``; by default the
        columns named ``custom_metadata.FIELD``.
    schemas
        Field → what its schema is to be instead, or has besides: ``{"price": {"minValue": 0}}``.
    dry_run
        Whether only to say what would be done.
    policy
        Its `changes` is how many requests there are a second, at most.
    transport
        An httpx transport to use instead of the network.

    Returns
    -------
    pandas.DataFrame
        A row a field: ``name, column, type, schema``, and `ik_change`: ``planned``, ``done``, ``exists``, ``conflict``
        (it is there with another type, which only you can mend), or ``failed``, with `ik_change_message`.

    Raises
    ------
    MappingError
        There is no such column, or none is named.
    AccountError
        There is no private key, or it is refused.
    """
    given = schemas or {}
    wanted = [one._replace(schema=_merged(one.schema, given.get(one.name))) for one in planned(frame, columns)]
    pace = RateLimiter((policy or Policy()).changes or None)
    async with ServiceClient(transport) as wire:
        there = fields_of(await listed_fields(wire, account))
        rows = []
        for one in wanted:
            change, message = _compared(one, there.get(one.name))
            if change == "planned" and not dry_run:
                await rest(pace.reserve(time.monotonic()))
                change, message = await _created(wire, account, one)
            rows.append((one, change, message))
    return planned_frame(rows)


metadata_fields = to_sync(_metadata_fields, "metadata_fields", drains=False)
create_metadata_fields = to_sync(_create_metadata_fields, "create_metadata_fields")


def _merged(schema: Mapping[str, Any], given: Mapping[str, Any] | None) -> dict[str, Any]:
    """Put what the user says over what the column says; options go with the type that has them."""
    if not given:
        return dict(schema)
    same = given.get("type", schema["type"]) == schema["type"]
    return {**(schema if same else {}), **given}


def _compared(wanted: FieldPlan, there: MetadataField | None) -> tuple[str, str | None]:
    if there is None:
        return "planned", None
    kind = wanted.schema["type"]
    if kind in _TEXTS and there.type not in _TEXTS:
        return "exists", f"it is a {there.type}; `check` tells which cells do not fit"
    if kind != there.type and not {kind, there.type} <= _TEXTS:
        return "conflict", f"it is there as {there.type}, and the column asks for {kind}"
    options = there.schema.get("selectOptions")
    lacking = [one for one in wanted.schema.get("selectOptions", ()) if options is not None and one not in options]
    return ("conflict", f"it lacks the options {', '.join(map(str, lacking))}") if lacking else ("exists", None)


async def _created(wire: ServiceClient, account: Account, one: FieldPlan) -> tuple[str, str | None]:
    try:
        await wire.api(account, FIELDS, content={"name": one.name, "label": one.name, "schema": one.schema})
    except AccountError:
        raise
    except Error as error:
        return "failed", str(error)
    return "done", None
