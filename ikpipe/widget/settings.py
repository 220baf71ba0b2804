"""The settings that all rows share, as a page gets them. None of them is secret."""

from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any

from ikpipe.request.account import Account
from ikpipe.request.columns import call_or_error
from ikpipe.request.formats import CellFormats
from ikpipe.request.metadata import MetadataField
from ikpipe.request.parameters import PATH
from ikpipe.request.values import tag_list
from ikpipe.widget.folder_files import local_root
from ikpipe.widget.naming import may_replace


def page_settings(
    account: Account,
    mapping: Mapping[str, Any],
    name: str,
    fields: Mapping[str, MetadataField] | None,
    *,
    keep_files: bool = False,
    columns: Sequence[str] = (),
) -> dict[str, Any]:
    """Return the uploader's name, default values, largest file size in bytes, and the account's metadata fields.

    `columns` are those of the table, which a page can show.

    `fields` is None until they are loaded. A default that is invalid is reported by the rows that have it.
    """
    parameters = mapping["parameters"]
    formats = CellFormats.read(mapping.get("formats", {}))
    root = local_root(mapping)
    tags = call_or_error(tag_list, formats.split_tags(parameters.get("tags")))
    folder = parameters.get("folder") or str(parameters.get(PATH, "")).rpartition("/")[0] or "/"
    return {
        "name": name,
        "defaults": {
            "is_private_file": call_or_error(formats.to_flag, parameters.get("is_private_file", False)) == "true",
            "folder": str(folder),
            "tags": isinstance(tags, list) and bool(tags),
        },
        "max_file_size": account.max_file_size,
        "keep_files": _account_id(account) if keep_files else "",
        "columns": [*columns],
        "can_search": account.private_key is not None,
        "can_replace": may_replace(mapping),
        "root": "" if root is None else root.resolve().name or "/",
        "fields": [
            {
                **{str(key): value for key, value in field.schema.items()},
                "name": field.name,
                "label": field.label or field.name,
                "type": field.type,
            }
            for field in (fields or {}).values()
        ],
    }


def _account_id(account: Account) -> str:
    """Return the account's id in a browser's storage, which does not show its public key."""
    return sha256(f"{account.public_key}\n{account.upload_url}".encode()).hexdigest()[:32]
