"""`metadata_fields`, `create_metadata_fields`: list custom metadata fields, and create those that a table needs."""

from __future__ import annotations

import time
from collections.abc import Hashable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from ikpipe.concurrency.interrupts import interruptible_sleep, to_sync
from ikpipe.concurrency.rate import RateLimiter
from ikpipe.errors import AccountError, Error
from ikpipe.frames.schemas import FieldPlan, fields_frame, planned_fields, planned_fields_frame
from ikpipe.request.account import Account
from ikpipe.request.metadata import MetadataField, fields_of
from ikpipe.request.policy import Policy
from ikpipe.service.client import ServiceClient
from ikpipe.service.library import FIELDS, list_fields

if TYPE_CHECKING:
    import httpx
    import pandas as pd

_TEXTS = {"Text", "Textarea"}


async def _metadata_fields(
    account: Account, *, timeout: float | None = None, transport: httpx.AsyncBaseTransport | None = None
) -> pd.DataFrame:
    """List the account's custom metadata fields as a DataFrame.

    Parameters
    ----------
    account
        Must have the private key.
    timeout
        Seconds without any progress after which a request ends, instead of all other time-outs.
    transport
        An httpx transport to use instead of the network.

    Returns
    -------
    pandas.DataFrame
        One row per field: ``id, name, label, type, schema``.

    Raises
    ------
    AccountError
        There is no private key, or the service rejects it.
    """
    async with ServiceClient(transport, timeout) as client:
        return fields_frame(await list_fields(client, account))


async def _create_metadata_fields(
    frame: Any,
    account: Account,
    *,
    columns: Mapping[str, Hashable] | Iterable[Hashable] | None = None,
    schemas: Mapping[str, Mapping[str, Any]] | None = None,
    dry_run: bool = True,
    policy: Policy | None = None,
    timeout: float | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> pd.DataFrame:
    """Create the custom metadata fields that a table's columns need and the account does not have.

    The type depends on a column's dtype and cells: Boolean; Number; Date; SingleSelect with the categories of a
    categorical; MultiSelect with all items of lists; Textarea for text of several lines or more than 255 characters;
    otherwise Text. The name of a deleted field cannot be used again [spec], so `dry_run` is on by default: check its
    result first.

    Parameters
    ----------
    frame
        The table; only its columns are read.
    account
        Must have the private key.
    columns
        ``["brand", "color"]`` for fields with the columns' names, or ``{"brand": "Brand name"}``; by default the
        columns named ``custom_metadata.FIELD``.
    schemas
        Field → schema entries that replace or extend those of its column: ``{"price": {"minValue": 0}}``.
    dry_run
        Whether to only report what would be created.
    policy
        Its `changes` is the maximum number of requests per second.
    timeout
        Seconds without any progress after which a request ends, instead of all other time-outs.
    transport
        An httpx transport to use instead of the network.

    Returns
    -------
    pandas.DataFrame
        One row per field: ``name, column, type, schema``, and `ik_change`: ``planned``, ``done``, ``exists``,
        ``conflict`` (the field exists with another type or other options), or ``failed``, with `ik_change_message`.

    Raises
    ------
    MappingError
        There is no such column, or no columns are specified.
    AccountError
        There is no private key, or the service rejects it.
    """
    overrides = schemas or {}
    plans = [
        plan._replace(schema=_merge_schema(plan.schema, overrides.get(plan.name)))
        for plan in planned_fields(frame, columns)
    ]
    limiter = RateLimiter((policy or Policy()).changes)
    async with ServiceClient(transport, timeout) as client:
        existing = fields_of(await list_fields(client, account))
        rows = []
        for plan in plans:
            change, message = _compare(plan, existing.get(plan.name))
            if change == "planned" and not dry_run:
                await interruptible_sleep(limiter.reserve(time.monotonic()))
                change, failure = await _create(client, account, plan)
                message = failure or message
            rows.append((plan, change, message))
    return planned_fields_frame(rows)


metadata_fields = to_sync(_metadata_fields, "metadata_fields", drains=False)
create_metadata_fields = to_sync(_create_metadata_fields, "create_metadata_fields")


def _merge_schema(schema: Mapping[str, Any], override: Mapping[str, Any] | None) -> dict[str, Any]:
    """Merge the user's entries into a column's schema; a different type drops the column's options."""
    if not override:
        return dict(schema)
    same_type = override.get("type", schema["type"]) == schema["type"]
    return {**(schema if same_type else {}), **override}


def _compare(plan: FieldPlan, field: MetadataField | None) -> tuple[str, str | None]:
    kind = plan.schema["type"]
    if field is None:
        return "planned", f"Its type is {kind}."
    if kind in _TEXTS and field.type not in _TEXTS:
        return "exists", f"The field's type is {field.type}. `check` reports cells that do not fit."
    if kind != field.type and not {kind, field.type} <= _TEXTS:
        return "conflict", f"The field's type is {field.type}, but the column needs {kind}."
    options = field.schema.get("selectOptions")
    missing = [item for item in plan.schema.get("selectOptions", ()) if options is not None and item not in options]
    return ("conflict", f"The field has no option {', '.join(map(str, missing))}.") if missing else ("exists", None)


async def _create(client: ServiceClient, account: Account, plan: FieldPlan) -> tuple[str, str | None]:
    try:
        await client.api(account, FIELDS, content={"name": plan.name, "label": plan.name, "schema": plan.schema})
    except AccountError:
        raise
    except Error as error:
        return "failed", str(error)
    return "done", None
