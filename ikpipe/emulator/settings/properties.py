"""Reads a setting from the JSON of a request: which properties it has, and what their values may be."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from ikpipe.emulator.error_responses import ErrorResponse, invalid_parameter, missing_parameter
from ikpipe.emulator.store.settings import Setting
from ikpipe.emulator.upload.parameters import is_web_url

ABSENT = object()
"""The default of a property that is left out if it was not sent."""


class Property(NamedTuple):
    """A property: a check of its value, what that must be, and the value without one; None requires a value."""

    valid: Callable[[object], bool]
    must: str
    default: object = None


def text(default: object = None) -> Property:
    """Return a property that is text; a required one is not empty."""
    return Property(lambda value: isinstance(value, str) and (value != "" or default is not None), "text", default)


def flag(*, default: bool) -> Property:
    """Return a property that is true or false."""
    return Property(lambda value: isinstance(value, bool), "true or false", default)


def url(default: object = None) -> Property:
    """Return a property that is the URL of a web page."""
    return Property(lambda value: isinstance(value, str) and is_web_url(value), "an http or https URL", default)


def read_properties(body: object, properties: Mapping[str, Property], old: Mapping[str, object] | None) -> Setting:
    """Return the properties in a body, completed by those of `old`, if any, or by their defaults.

    Raise `ErrorResponse` (400) for the first that is unknown, invalid or missing [guess: the messages are not
    documented].
    """
    if not isinstance(body, dict):
        raise ErrorResponse(400, "Your request contains invalid JSON. It must be an object.")
    unknown = next((name for name in body if name not in properties), None)
    if unknown is not None:
        raise invalid_parameter(unknown, f"Use {', '.join(properties)}.")
    values = {name: _value(body, name, rule, old) for name, rule in properties.items()}
    return {name: value for name, value in values.items() if value is not ABSENT}


def _value(body: Mapping[str, object], name: str, rule: Property, old: Mapping[str, object] | None) -> object:
    if name in body:
        if not rule.valid(body[name]):
            raise invalid_parameter(name, f"It must be {rule.must}.")
        return body[name]
    if old is not None:
        return old.get(name, ABSENT)
    if rule.default is None:
        raise missing_parameter(name)
    return rule.default
