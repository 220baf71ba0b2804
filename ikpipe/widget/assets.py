"""What the browser is told besides rows: its script and style, settings, totals. Nothing of it is secret."""

from __future__ import annotations

import re
import time
from graphlib import TopologicalSorter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ikpipe.errors import InvalidValue
from ikpipe.request.values import tag_list, to_flag

if TYPE_CHECKING:
    from collections.abc import Mapping

    from ikpipe.request.account import Account
    from ikpipe.request.metadata import MetadataField
    from ikpipe.widget.controller import Controller

_STATIC = Path(__file__).parent / "static"
_STYLES = (  # later rules win over earlier ones
    *("base", "toolbar", "notices", "list", "gallery", "editor", "dialogs", "footer", "responsive"),
)
_IMPORT = re.compile(r'^import \{[^}]*\} from "\./([^"]+)";\n', re.MULTILINE)
_STRIPPED = re.compile(
    rf"{_IMPORT.pattern}|^export (?!default )|^ *//.*\n|^ */\*\*(?:(?!\*/)[\s\S])*\*/\n",
    re.MULTILINE,
)
_SOON = 0.5  # seconds after which a rate says something


def script() -> str:
    """Return the modules below `static/` joined into one, since anywidget loads a single module.

    Each module comes after those that it imports. All share one scope, so a name at the top of a module must be unique.
    Lines of comments are left out, since a notebook that saves the state of its widgets stores the script.

    Raises
    ------
    graphlib.CycleError
        Modules import each other.
    """
    modules = {path.name: path.read_text(encoding="utf-8") for path in sorted(_STATIC.glob("*.js"))}
    order = TopologicalSorter({name: _IMPORT.findall(text) for name, text in modules.items()}).static_order()
    return "".join(_STRIPPED.sub("", modules[name]) for name in order)


def style() -> str:
    """Return the joined style sheets."""
    return "\n".join((_STATIC / f"{name}.css").read_text(encoding="utf-8") for name in _STYLES)


def settings(
    account: Account, mapping: Mapping[str, Any], name: str, fields: Mapping[str, MetadataField] | None
) -> dict[str, Any]:
    """Say what holds for all rows; `fields` are the account's metadata fields, None as long as nobody knows them."""
    parameters = mapping["parameters"]
    try:
        private = to_flag(parameters.get("is_private_file", False)) == "true"
    except InvalidValue:
        private = False
    try:
        tags = bool(tag_list(parameters.get("tags")))
    except InvalidValue:
        tags = False
    return {
        "name": name,
        "defaults": {
            "is_private_file": private,
            "folder": str(parameters.get("folder", "/")),
            "tags": tags,
        },
        "max_file_size": account.max_file_size,
        "fields": [{"name": one.name, **_plain(one.schema), "type": one.type} for one in (fields or {}).values()],
    }


def _plain(schema: Mapping[str, Any]) -> dict[str, Any]:
    return {str(key): value for key, value in schema.items()}


def totals(desk: Controller) -> dict[str, Any]:
    """Say how far the runs are: rows that have ended, bytes that have left, of how many, per second, seconds left."""
    runs = list(desk.runs)
    moved, size = sum(run.moved for run in runs) + desk.page.loaded, sum(run.size for run in runs)
    seconds = max((time.monotonic() - run.began for run in runs), default=0.0)
    rate = moved / seconds if seconds > _SOON else 0.0
    left = (size - moved) / rate if rate and size > moved else 0.0
    sent = sum(run.ended for run in runs)
    return {
        "type": "totals",
        "sent": sent,
        "bytes": min(moved, size),
        "of": size,
        "rate": round(rate),
        "left": round(left, 1),
    }
