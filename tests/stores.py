"""Stores that behave as some do: with late listings, and with or without writes on condition."""

from __future__ import annotations

import threading
import time
import uuid
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import fsspec
from fsspec.spec import AbstractFileSystem

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


class Store(AbstractFileSystem):
    """A store in memory, without folders; a class derived from it is another store.

    A listing shows an object `lag` seconds after it was written, and until `lag` seconds after it was removed. `missed`
    and `wrote` are called with a path after an object was not found, and after one was written: another machine's turn.
    """

    cachable = False
    lag = 0.0
    missed: Callable[[str], None] = staticmethod(lambda _path: None)
    wrote: Callable[[str], None] = staticmethod(lambda _path: None)
    objects: dict[str, bytes]
    written: dict[str, float]
    removed: dict[str, float]

    def cat_file(self, path: str, start: int | None = None, end: int | None = None, **_options: Any) -> bytes:
        """Return an object, as it is now."""
        path = self._strip_protocol(path)
        found = self.objects.get(path)
        if found is None:
            self.missed(path)
            raise FileNotFoundError(path)
        return found[start:end]

    def pipe_file(self, path: str, value: bytes, **_options: Any) -> None:
        """Write an object."""
        path = self._strip_protocol(path)
        self.objects[path] = value
        self.written[path] = time.monotonic()
        self.removed.pop(path, None)
        self.wrote(path)

    def rm_file(self, path: str) -> None:
        """Remove an object."""
        path = self._strip_protocol(path)
        del self.objects[path]
        self.removed[path] = time.monotonic()

    def find(self, path: str, **_options: Any) -> list[str]:
        """Return the paths below a path, as the listing has them."""
        start, then = f"{self._strip_protocol(path)}/", time.monotonic() - self.lag
        shown = [name for name in self.objects if self.written[name] <= then]
        shown += [name for name, when in self.removed.items() if when > then]
        return sorted(name for name in shown if name.startswith(start))

    def ls(self, path: str, detail: bool = True, **_options: Any) -> list[Any]:  # noqa: FBT001, FBT002 - of fsspec
        """Return the paths directly below a path."""
        start = f"{self._strip_protocol(path)}/"
        names = [name for name in self.find(path) if "/" not in name.removeprefix(start)]
        return [{"name": name, "type": "file"} for name in names] if detail else names

    def makedirs(self, path: str, exist_ok: bool = False) -> None:  # noqa: FBT001, FBT002 - of fsspec
        """Do nothing."""


class ConditionalStore(Store):
    """A store that writes an object on condition that there is none, as S3 does."""

    lock = threading.Lock()

    def pipe_file(self, path: str, value: bytes, mode: str = "overwrite", **_options: Any) -> None:
        """Write an object; raise an exception if it is to be created and is there."""
        with self.lock:
            if mode == "create" and self._strip_protocol(path) in self.objects:
                raise FileExistsError(path)
            super().pipe_file(path, value)


@contextmanager
def store(kind: type[Store] = ConditionalStore, **facts: Any) -> Iterator[type[Store]]:
    """Let fsspec know a new store, at the URL ``PROTOCOL://bucket``, with `facts` such as its `lag`."""
    protocol = f"s{uuid.uuid4().hex}"
    hooks = {name: staticmethod(fact) if callable(fact) else fact for name, fact in facts.items()}
    made = type("Made", (kind,), {"protocol": protocol, "objects": {}, "written": {}, "removed": {}, **hooks})
    fsspec.register_implementation(protocol, made)
    yield made
