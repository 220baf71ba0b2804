"""Lists and searches in the emulator's library, which has a million files, and uploads to it.

The first contestant asks for the details of one file, so that the ratios say how many times as long a list takes. For
fewer rows, the library is smaller in proportion.
"""

from __future__ import annotations

import asyncio
import base64
import json
import secrets
import tempfile
import threading
import time
from contextlib import closing, contextmanager, nullcontext
from functools import cache, partial
from http.client import HTTPConnection
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from bench import Contest
from bench_emulator import CONNECTIONS, FOLDERS, GIF, Service, emulator_process, request, upload

from ikpipe.emulator.store import Store, new_id, timestamp

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

LISTS = 400
UPLOADS = 5000
LIBRARY = 1_000_000
FILES_IN_A_FOLDER = 1000
FILES_WITH_A_TAG = 2000


@cache
def library(files: int) -> str:
    """Return a folder with a library of small images, most of them in folders of 1000, some in one large folder.

    Every file has the tag `all`, a tag that it shares with 2000 files, and one that it shares with 20.
    """
    folder = tempfile.mkdtemp(dir=FOLDERS)
    store = Store(Path(folder))

    async def _fill() -> None:
        for number in range(files):
            path = "/large/" if number % 20 == 0 else f"/folder/{number % max(1, files // FILES_IN_A_FOLDER)}/"
            store.files.add_version(path, details(number, path, files), 1, time.time() - 1)
            if number % 100 == 0:
                await store.commit()

    asyncio.run(_fill())
    store.close()
    return folder


def details(number: int, folder: str, files: int) -> dict[str, Any]:
    """Return the details of a small image; names begin with all hexadecimal digits alike."""
    identifier, now, name = new_id(), timestamp(), f"{number * 0x9E3779B1 & 0xFFFFFFFF:08x}.gif"
    return {
        "type": "file",
        "fileId": identifier,
        "name": name,
        "filePath": folder + name,
        "tags": ["all", f"some{number % max(1, files // FILES_WITH_A_TAG)}", f"few{number // 20}"],
        "AITags": None,
        "versionInfo": {"id": identifier, "name": "Version 1"},
        "isPrivateFile": False,
        "isPublished": True,
        "customCoordinates": None,
        "customMetadata": {},
        "description": None,
        "createdAt": now,
        "updatedAt": now,
        "fileType": "image",
        "mime": "image/gif",
        "width": 1,
        "height": 1,
        "hasAlpha": False,
        "size": number % 100_000,
        "embeddedMetadata": {},
    }


class Api:
    """The media library's API of an emulator, over one connection."""

    def __init__(self, service: Service) -> None:
        self._connection = HTTPConnection(urlsplit(service.url).netloc)
        self._headers = {"Authorization": "Basic " + base64.b64encode(f"{service.private_key}:".encode()).decode()}

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()

    def get(self, path: str) -> Any:
        """Return the response to a request."""
        self._connection.request("GET", path, headers=self._headers)
        reply = self._connection.getresponse()
        body = reply.read()
        if reply.status != 200:
            raise RuntimeError(body.decode())
        return body

    def list(self, **query: str) -> Any:
        """Return a list, parsed."""
        return json.loads(self.get(f"/v1/files?{urlencode(query)}"))


@contextmanager
def listing(rows: int, **query: str) -> Iterator[Callable[[], None]]:
    """Ask for the same list again and again; without a query, for the details of one file."""
    with emulator_process(library(rows * (LIBRARY // LISTS))) as service, closing(Api(service)) as api:
        path = f"/v1/files?{urlencode(query)}" if query else f"/v1/files/{api.list(limit='1')[0]['fileId']}/details"
        for _ in range(3):
            api.get(path)

        def run() -> None:
            for _ in range(rows):
                api.get(path)

        yield run


@contextmanager
def uploads(rows: int, *, files: bool = True, search: bool = False) -> Iterator[Callable[[], None]]:
    """Upload small files to a library of many files or none, also while a search looks at each of its files."""
    folder = library(rows * (LIBRARY // UPLOADS)) if files else tempfile.mkdtemp(dir=FOLDERS)
    with emulator_process(folder) as service, searching(service) if search else nullcontext():
        run = secrets.token_hex(4)
        requests = [request(service, f"{run}{row:07}.gif", GIF) for row in range(rows)]
        yield partial(upload, service, requests, CONNECTIONS)


@contextmanager
def searching(service: Service) -> Iterator[None]:
    """Search without end, with a condition that no file meets and that no index has."""
    stop = threading.Event()

    def _search() -> None:
        with closing(Api(service)) as api:
            while not stop.is_set():
                api.list(searchQuery="size > 1000000")

    thread = threading.Thread(target=_search)
    thread.start()
    yield
    stop.set()
    thread.join()


SEARCHES: dict[str, dict[str, str]] = {
    "details of one file": {},
    "a name": {"searchQuery": 'name = "9e3779b1.gif"'},
    "a name's beginning, few files": {"searchQuery": 'name : "9e377"'},
    "a name's beginning, many files": {"searchQuery": 'name : "9"', "limit": "100"},
    "a tag of few files": {"searchQuery": 'tags IN ["few7"]'},
    "a tag of 2000 files": {"searchQuery": 'tags IN ["some0"]', "limit": "100"},
    "a tag of all files": {"tags": "all", "limit": "100"},
    "a folder": {"path": "/folder/1", "limit": "100"},
    "a folder, all its files": {"path": "/folder/1"},
    "a large folder by size": {"path": "/large", "sort": "DESC_SIZE", "limit": "100"},
    "a folder by size": {"path": "/folder/1", "sort": "DESC_SIZE", "limit": "100"},
    "a large folder by name": {"path": "/large", "sort": "ASC_NAME", "limit": "100"},
    "a folder with those below": {"searchQuery": 'path : "/folder/"', "limit": "100"},
}
CONTESTS = [
    Contest("lists", LISTS, {name: partial(listing, **query) for name, query in SEARCHES.items()}),
    Contest(
        f"small files, {CONNECTIONS} at once",
        UPLOADS,
        {
            "to an empty library": partial(uploads, files=False),
            "to a million files": uploads,
            "the same during a search": partial(uploads, search=True),
        },
    ),
]
