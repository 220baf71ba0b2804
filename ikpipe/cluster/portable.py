"""How a prepared upload or update goes to other machines, where another version of ikpipe may be installed.

Versions can identify rows and make names differently, so that a part that runs again on another machine would store its
files again. And the fields of a class of another version do not fit this one's. So a pickle has the version and plain
values: whoever unpickles it in another version gets an `OtherVersion`, which says so when it is used. A scheduler that
only passes it on needs no version at all.
"""

from __future__ import annotations

import logging
import platform
from collections.abc import Callable
from dataclasses import asdict, fields, replace
from functools import cache
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any, NoReturn, Self

from ikpipe.cluster.journals import JournalStart
from ikpipe.errors import Error
from ikpipe.request.account import Account
from ikpipe.request.policy import Policy
from ikpipe.request.secrets import Secret

_log = logging.getLogger("ikpipe.cluster")

_EARLIER = ""  # the version of what has none
_ENCODERS: tuple[tuple[type, Callable[[Any], Any]], ...] = (
    (Account, lambda account: account.__reduce__()[1][1:]),
    (Policy, asdict),
    (JournalStart, tuple),
    (Secret, str),
)
_DECODERS: dict[str, Callable[[Any], Any]] = {
    "Account": lambda values: Account.unpickled(*values),
    "Policy": lambda values: Policy(**values),
    "JournalStart": lambda values: JournalStart(*values),
    "Secret": Secret,
}


class Portable:
    """A dataclass of this package that goes to other machines, where another version may be installed."""

    packages: dict[str, str]
    """The versions on the driver of what both machines compute with."""

    def __reduce__(self) -> tuple[Any, ...]:
        values = {field.name: _encoded(getattr(self, field.name)) for field in fields(self)}  # type: ignore[arg-type]
        return restored, (own_version(), f"{type(self).__module__}:{type(self).__name__}", values)

    def __setstate__(self, state: object) -> None:
        """Refuse what an earlier version has pickled as it was."""
        object.__setattr__(self, "__class__", OtherVersion)
        vars(self)["_pickled"] = (_EARLIER, "", {})

    def replaced(self, **values: Any) -> Self:
        """Return the same with other values of some fields."""
        return replace(self, **values)  # type: ignore[type-var]

    def check_packages(self) -> None:
        """Log a warning if this machine has another major version of pandas than the driver."""
        here, there = own_packages()["pandas"], self.packages.get("pandas", "")
        if there and here.partition(".")[0] != there.partition(".")[0]:
            _log.warning(
                "The machine %s has pandas %s, and the driver has %s. Their cells can differ, so that the journal does "
                "not recognize rows without key=. Install the same version.",
                *(platform.node(), here, there),
            )


def _encoded(value: Any) -> tuple[str, Any]:
    """Return the name of a type of ours and plain values, or ``plain`` and any other value."""
    encode = next(((kind.__name__, encode) for kind, encode in _ENCODERS if isinstance(value, kind)), None)
    return ("plain", value) if encode is None else (encode[0], encode[1](value))


@cache
def own_version() -> str:
    """Return the version of ikpipe that is installed here."""
    try:
        return version("ikpipe")
    except PackageNotFoundError:
        return "of unknown version"


@cache
def own_packages() -> dict[str, str]:
    """Return the versions of the packages that tables are computed with."""
    return {"pandas": str(import_module("pandas").__version__)}


def restored(made_by: str, kind: str, values: dict[str, tuple[str, Any]]) -> Any:
    """Return what a version of ikpipe has pickled, as its class of this version or as `OtherVersion`."""
    if made_by == own_version():
        try:
            module, _, name = kind.partition(":")
            decoded = {
                name: value if tag == "plain" else _DECODERS[tag](value) for name, (tag, value) in values.items()
            }
            return getattr(import_module(module), name)(**decoded)
        except (ImportError, AttributeError, KeyError, TypeError, ValueError):  # another build of the same version
            pass
    return OtherVersion(made_by, kind, values)


class OtherVersion:
    """An upload or update that another version of ikpipe has prepared; each use of it raises `Error`.

    It is pickled as it came, for a machine that has that version.
    """

    def __init__(self, *pickled: Any) -> None:
        self._pickled = pickled

    def __reduce__(self) -> tuple[Any, ...]:
        return restored, self._pickled

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("__"):
            raise AttributeError(name)
        raise self._error()

    def __call__(self, *_tables: Any) -> NoReturn:
        """Raise the error."""
        raise self._error()

    def _error(self) -> Error:
        (made_by, kind, *_), here, node = self._pickled, own_version(), platform.node()
        what = "update" if kind.endswith("Update") else "upload"
        nothing = "files of this part were not changed" if what == "update" else "rows of this part were not sent"
        has = f"has ikpipe {here}" if made_by != here else "has another build of that version"
        by = f"ikpipe {made_by}" if made_by != _EARLIER else "an earlier version of ikpipe"
        return Error(
            f"This {what} was prepared by {by}, but the machine {node} {has}. The {nothing}.",
            fix="Install the same version of ikpipe on the driver and on all workers.",
        )
