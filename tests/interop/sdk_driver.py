"""Plays a scenario with an official SDK for Python: JSON from the standard input, answers to the output."""

from __future__ import annotations

import base64
import importlib
import inspect
import io
import json
import re
import sys
import tempfile
import time
from enum import Enum
from functools import cached_property, reduce
from pathlib import Path
from typing import Any

import imagekitio

TASK = json.load(sys.stdin)
KNOWN: dict[str, Any] = TASK["known"]
OPTIONS: dict[str, Any] = TASK["options"]
CURRENT = hasattr(imagekitio, "AsyncImageKit")
PATIENCE = 30  # s
RENAMED = {"build_src": "build_url"}
SPELLED = {"ai_tags": "AITags", "p_hash": "pHash"}
AS_GIVEN = ("custom_metadata", "extensions", "config", "extra_headers")
"""Parameters whose keys stay as they are."""


def snake(name: str) -> str:
    """Return a name in the SDK's spelling."""
    spelled = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower()
    return RENAMED.get(spelled, spelled)


def camel(name: str) -> str:
    """Return the name in JSON of an attribute."""
    return SPELLED.get(name) or re.sub(r"_(\w)", lambda found: found[1].upper(), name)


def keywords(given: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of a call from those in JSON."""
    return {snake(key): value if snake(key) in AS_GIVEN else spelled(value) for key, value in given.items()}


def spelled(value: Any) -> Any:
    """Return a parameter with its keys in the SDK's spelling."""
    if isinstance(value, list):
        return [spelled(one) for one in value]
    return keywords(value) if isinstance(value, dict) else value


def argument(value: Any) -> Any:
    """Return an argument with what it refers to."""
    if isinstance(value, list):
        return [argument(one) for one in value]
    if not isinstance(value, dict):
        return value
    if "$ref" in value:
        return reduce(lambda found, key: found[int(key) if key.isdigit() else key], value["$ref"].split("."), KNOWN)
    if "$file" in value:
        return content(value["name"], TASK["files"][value["$file"]])
    if "$new" in value:
        return instance(value["$new"], {key: argument(one) for key, one in value["with"].items()})
    return {key: argument(one) for key, one in value.items()}


def content(name: str, encoded: str) -> Any:
    """Return a file as the SDK takes it: the older ones want it opened."""
    if CURRENT:
        return name, base64.b64decode(encoded)
    path = Path(tempfile.mkdtemp()) / "content"
    path.write_bytes(base64.b64decode(encoded))
    return path.open("rb")


def instance(name: str, attributes: dict[str, Any]) -> Any:
    """Return an object of one of the SDK's classes, or a member of an enumeration."""
    kind = getattr(imagekitio if CURRENT else importlib.import_module(f"imagekitio.models.{name}"), name)
    return kind[attributes["name"]] if issubclass(kind, Enum) else kind(**attributes)


def plain(value: Any) -> Any:
    """Return an answer as JSON has it."""
    if isinstance(value, (list, tuple)):
        return [plain(one) for one in value]
    if hasattr(type(value), "to_dict"):
        shown = value.to_dict(mode="json")
        type(value).model_validate(shown)  # the SDK itself does not look whether an answer has the documented types
        return shown
    if type(value).__module__.startswith("imagekitio"):
        return {camel(key): plain(one) for key, one in vars(value).items() if not key.endswith("response_metadata")}
    return value


def client_of(step: dict[str, Any]) -> Any:
    """Return the client for a step."""
    return imagekitio.ImageKit(**{**OPTIONS, "private_key": step["key"]}) if step["key"] else SHARED


def path(step: dict[str, Any]) -> str:
    """Return where the method is, below the client."""
    return ".".join(map(snake, step["operation"].split(".")))


def call(step: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of a call."""
    arguments = [argument(one) for one in step["arguments"]]
    named = keywords(arguments.pop()) if arguments and isinstance(arguments[-1], dict) else {}
    method = reduce(getattr, path(step).split("."), client_of(step))
    answer = method(*arguments, **named)
    headers = getattr(getattr(answer, "response_metadata", None), "headers", None) or {}
    return {"answer": plain(answer), "requestId": headers.get("x-request-id")}


def attempt(step: dict[str, Any]) -> dict[str, Any]:
    """Return the answer of a call, or its error."""
    try:
        return call(step)
    except Exception as error:  # noqa: BLE001 - the test judges it
        found = {"error": type(error).__name__, "message": str(error), "status": None}
        if response := getattr(error, "response", None):
            headers, status, body = response.headers, response.status_code, error.body
        elif metadata := getattr(error, "response_metadata", None):
            headers, status, body = metadata.headers, metadata.http_status_code, metadata.raw
        else:
            return found
        return {**found, "status": status, "body": body, "requestId": headers.get("x-request-id")}


def ended(step: dict[str, Any], found: dict[str, Any]) -> bool:
    """Whether a repeated step ended as described."""
    if "status" in found or step["status"]:
        return found.get("status") == step["status"]
    return all(found["answer"].get(key) == value for key, value in step["shows"].items())


def play(step: dict[str, Any]) -> dict[str, Any]:
    """Play a step."""
    begun = time.monotonic()
    found = attempt(step)
    while step["until"] and not ended(step, found) and time.monotonic() - begun < PATIENCE:
        found = attempt(step)
    if step["save"]:
        KNOWN[step["save"]] = found.get("answer")
    return found


def methods(owner: Any, prefix: str = "") -> list[str]:
    """Return the paths of all public methods."""
    found = []
    for name, value in inspect.getmembers_static(type(owner)):
        if name.startswith("_"):
            continue
        if isinstance(value, cached_property):
            below = getattr(owner, name)
            if hasattr(below, "_client") and not name.startswith("with_"):
                found += methods(below, f"{prefix}{name}.")
        elif (prefix or not CURRENT) and (callable(value) or isinstance(value, staticmethod)):
            found.append(prefix + name)  # below a current client are the requests
    return found


SHARED = imagekitio.ImageKit(**OPTIONS)
sys.stdout = io.StringIO()  # for the SDK's own prints
PLAYED = [play(step) for step in TASK["steps"]]
sys.stdout = sys.__stdout__
json.dump({"played": PLAYED, "called": list(map(path, TASK["steps"])), "methods": methods(SHARED)}, sys.stdout)
