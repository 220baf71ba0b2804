"""Every exception of the library can be pickled: it crosses processes of clusters, pools and orchestrators."""

from __future__ import annotations

import inspect
import pickle
import pkgutil
from importlib import import_module
from typing import Any

import pytest

import ikpipe
from ikpipe.errors import Error, Message, keyword

WORDS = Message("Wrong: ", keyword("root"), ".")
VALUES: dict[Any, Any] = {
    **dict.fromkeys(("str", str, str | None), WORDS),
    **dict.fromkeys(("int", int), 7),
    **dict.fromkeys(("float", float, float | None, int | None), 0.5),
    **dict.fromkeys(("bool", bool), True),
    **dict.fromkeys(("Error", Error), Error("Why.")),
}


def exceptions() -> list[type[Exception]]:
    """Return all exception classes that the library defines, except those of the emulator, which is a server."""
    found: set[type[Exception]] = set()
    for module in pkgutil.walk_packages(ikpipe.__path__, "ikpipe."):
        if not module.name.startswith(("ikpipe.emulator", "ikpipe.__main__")):
            members = vars(import_module(module.name)).values()
            found |= {one for one in members if isinstance(one, type) and issubclass(one, Exception)}
    return sorted((one for one in found if one.__module__.startswith("ikpipe")), key=lambda one: one.__qualname__)


def _value_of(annotation: Any) -> Any:
    """Return a value of the type of a parameter."""
    name = annotation.partition(" ")[0] if isinstance(annotation, str) else annotation
    return VALUES.get(name, {"a": [1]})


def made(kind: type[Exception]) -> Exception:
    """Return an exception with a value of the right type for each parameter, and one more attribute."""
    if kind.__init__ is Exception.__init__:
        error = kind("Wrong.")
    else:
        values: dict[str, Any] = {}
        positional = []
        for name, one in list(inspect.signature(kind.__init__).parameters.items())[1:]:
            if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
                continue
            value = _value_of(one.annotation)
            if one.kind is one.KEYWORD_ONLY:
                values[name] = value
            else:
                positional.append(value)
        error = kind(*positional, **values)
    error.noted = ["more"]  # type: ignore[attr-defined]
    return error


@pytest.mark.parametrize("protocol", [2, pickle.HIGHEST_PROTOCOL])
@pytest.mark.parametrize("kind", exceptions(), ids=lambda kind: kind.__qualname__)
def test_an_exception_keeps_its_fields(kind: type[Exception], protocol: int) -> None:
    """Text, arguments and attributes are those of the original."""
    error = made(kind)
    twin = pickle.loads(pickle.dumps(error, protocol))  # noqa: S301 - our own
    assert type(twin) is kind
    assert (str(twin), repr(twin.args)) == (str(error), repr(error.args))
    assert repr(vars(twin)) == repr(vars(error))
