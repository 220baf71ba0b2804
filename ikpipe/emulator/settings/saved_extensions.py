"""Saved extensions: configurations that uploads name by their ids."""

from collections.abc import Iterable
from typing import Any

from ikpipe.emulator.error_responses import invalid_parameter
from ikpipe.emulator.library.calls import ApiCall
from ikpipe.emulator.settings.collection import Collection
from ikpipe.emulator.settings.properties import Property, read_properties, text
from ikpipe.emulator.store import Store, timestamp
from ikpipe.emulator.store.settings import Setting
from ikpipe.emulator.upload.parameters import check_extension

PATH = "/v1/saved-extensions"
SAVED = "saved-extension"
MOST = 100
"""Maximum number of saved extensions of an account [spec]."""
PROPERTIES = {
    "name": text(),
    "description": text(),
    "config": Property(lambda value: isinstance(value, dict), "an extension"),
}


def _read(call: ApiCall, old: Setting | None) -> Setting:
    saved = read_properties(call.body, PROPERTIES, old)
    check_extension(saved["config"], "config")
    if saved["config"]["name"] == SAVED:
        raise invalid_parameter("config", "A saved extension cannot refer to another one.")
    now = timestamp()
    return {**saved, "createdAt": now if old is None else old["createdAt"], "updatedAt": now}


def with_saved(store: Store, extensions: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return extensions with the configuration of each saved one in its place.

    Raise `ErrorResponse` (400) if one does not exist [guess].
    """
    saved = {extension["id"]: extension["config"] for extension in store.settings.all(PATH)}
    return [_config(saved, extension) if extension["name"] == SAVED else extension for extension in extensions]


def _config(saved: dict[str, dict[str, Any]], extension: dict[str, Any]) -> dict[str, Any]:
    identifier = extension["id"]
    if not isinstance(identifier, str) or identifier not in saved:
        raise invalid_parameter("extensions", f"There is no saved extension with the id {identifier}.")
    return saved[identifier]


ROUTES = Collection(PATH, "saved extension", _read, "PATCH", MOST).routes()
