"""Steps of a scenario that an official SDK plays against an emulator, as data; `sdk_driver.js` and `.py` play them."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
ID = re.compile(r"\S+")
TEXT = re.compile(r".+")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d.*")
NOBODY = "65f0a1b2c3d4e5f6a7b8c9d0"
"""An id of the right form that nothing has."""


class Step(NamedTuple):
    """One call of an SDK."""

    operation: str
    """The path of the method, below the client."""
    arguments: tuple[Any, ...] = ()
    shows: Any = None
    """What the answer must contain, as `missing` compares; of an error, its body."""
    save: str = ""
    """The name under which `ref` finds the answer."""
    status: int | None = None
    """The HTTP status of the error that must be raised; None is no error."""
    until: bool = False
    """Whether the step is repeated until it ends as described."""
    key: str = ""
    """The private key, if it is not the account's."""
    only: str = ""
    """The one SDK that has the operation; empty for all that share the table."""


def call(operation: str, *arguments: Any, **options: Any) -> Step:
    """Return a step; `options` are its other fields."""
    return Step(operation, arguments, **options)


def ref(path: str) -> dict[str, str]:
    """Return an argument that an earlier answer has: its name, then keys and positions."""
    return {"$ref": path}


def file(name: str, kind: str = "png") -> dict[str, str]:
    """Return an argument that the SDK takes as a file: `kind` is one of those that the test sends."""
    return {"$file": kind, "name": name}


def new(kind: str, /, **attributes: Any) -> dict[str, Any]:
    """Return an argument that is an object of one of the SDK's classes."""
    return {"$new": kind, "with": attributes}


def complaints(step: Step, found: dict[str, Any]) -> list[str]:
    """Compare what a step came to with what it must: an error has the service's message and the id of the request."""
    if step.status is None:
        return [f"raised {found}"] if "error" in found else missing(found.get("answer"), step.shows)
    body = found.get("body")
    if found.get("status") != step.status or not isinstance(body, dict):
        return [f"not {step.status} in JSON: {found}"]
    problems = missing(body, step.shows, "error") + missing(found.get("requestId"), UUID, "request id")
    return (
        problems if str(body.get("message")) in found["message"] else [*problems, f"the message is {found['message']}"]
    )


def missing(shown: Any, expected: Any, where: str = "answer") -> list[str]:
    """Compare an answer: objects may have more keys, a pattern fits all of a text, a type any of its values."""
    if isinstance(expected, dict) and isinstance(shown, dict):
        return [line for key, value in expected.items() for line in missing(shown.get(key), value, f"{where}.{key}")]
    if isinstance(expected, list) and isinstance(shown, list) and len(shown) == len(expected):
        return [line for n, value in enumerate(expected) for line in missing(shown[n], value, f"{where}[{n}]")]
    if isinstance(expected, re.Pattern):
        fits = isinstance(shown, str) and expected.fullmatch(shown) is not None
    elif isinstance(expected, type):
        fits = isinstance(shown, expected)
    else:
        fits = expected is None or shown == expected
    return [] if fits else [f"{where} is {shown!r}, not {expected!r}"]
