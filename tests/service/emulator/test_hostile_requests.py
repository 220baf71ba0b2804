"""Whatever a request of the media API contains, the answer is one of the service's form, and never a failure."""

from __future__ import annotations

import json
import re
from itertools import product

import pytest
from emulator_client import Client

from ikpipe.emulator.library.routes import SETTINGS, SUBJECTS

ROUTES = [(route.method, route.path) for subject in (*SUBJECTS, *SETTINGS) for route in subject.ROUTES]
IDS = ["x", "65f3c0aa7b1d2e9f40c8d123", "%00", "%ff", "..", "default", "' OR 1=1 --", "☃", "a" * 3000]
HUGE = "9" * 5000
VALUES = [
    None,
    True,
    HUGE,
    -1,
    1e308,
    "",
    "\x00",
    "☃" * 1000,
    "/../..",
    [],
    [None],
    [[]],
    {},
    {"type": {}},
    [{"name": []}],
]
KEYS = (
    *("fileIds", "tags", "AITags", "url", "folderName", "parentFolderPath", "folderPath", "name", "label", "schema"),
    *("description", "type", "bucket", "origins", "urlPrefix", "urlRewriter", "config", "transformation", "enabled"),
    *(
        "sourceFilePath",
        "destinationPath",
        "filePath",
        "newFileName",
        "purgeCache",
        "includeFileVersions",
        "extensions",
    ),
    *(
        "sourceFolderPath",
        "newFolderName",
        "customMetadata",
        "customCoordinates",
        "publish",
        "removeAITags",
        "webhookUrl",
    ),
)
BODIES = [
    *(b"", b"{", b"null", b"[]", b"1", b'"x"', b"\xff\xfe", b"[" * 100_000, b'{"name": "\\ud800"}', b'{"a": NaN}'),
    *(json.dumps(dict.fromkeys(KEYS, value)).encode() for value in VALUES),
    *(json.dumps({"schema": {"type": kind, "minValue": "x", "selectOptions": {}}, "name": "a", "label": "a"}).encode()
      for kind in ("Number", "Date", "MultiSelect", "x")),
]  # fmt: skip
QUERIES = [
    "limit=x&skip=-1",
    "url=%00",
    "startDate=9999-99-99&endDate=%00",
    "searchQuery=((((&sort=%00",
    "type=%00&path=%ff",
]


@pytest.mark.parametrize(("method", "path"), ROUTES)
def test_requests(client: Client, method: str, path: str) -> None:
    """No id, query or body leads to a 5xx; an error is JSON with a message."""
    ids = IDS if "{" in path else [""]
    requests = [
        *product(ids, ["", QUERIES[0]], [b"{}"]),
        *product(ids[:2], [""], [] if method == "GET" else BODIES),
        *product(ids[:1], QUERIES, [b""]),
    ]
    for identifier, query, body in requests:
        where = re.sub(r"\{[^}]*\}", lambda _: identifier, path)  # noqa: B023 - called at once
        reply = client.api(method, f"{where}?{query}", content=b"" if method == "GET" else body)
        assert reply.status_code < 500, (where, query, body[:200], reply.text)
        assert reply.is_success or reply.json()["message"], (where, query, body[:200], reply.text)


@pytest.mark.parametrize(
    "header",
    [
        ("Authorization", "Basic " + "A" * 8000),
        ("Authorization", "Basic \xff"),
        ("Origin", "null\xff"),
        ("If-None-Match", "\xff"),
    ],
)
def test_headers(client: Client, header: tuple[str, str]) -> None:
    """A header with any value is no failure."""
    name, value = header
    reply = client.http.get(client.emulator.url + "/v1/files", headers={name: value.encode("latin-1")})
    assert (reply.status_code // 100, "message" in reply.json()) == (4, True)
