"""Lists of folders and versions, searches for them, and searches that use the indexes of the store."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, picture

if TYPE_CHECKING:
    from collections.abc import Callable


def listed(client: Client, **query: object) -> list[dict[str, Any]]:
    """Return the assets of a list."""
    reply = client.api("GET", "/v1/files", params=query)
    assert reply.status_code == 200, reply.text
    return reply.json()


def names(client: Client, **query: object) -> list[str]:
    """Return their names."""
    return [asset["name"] for asset in listed(client, **query)]


@pytest.fixture(scope="module")
def library(client: Client) -> Client:
    """Return a client of a library with files, versions and folders."""
    client.fixed("old.bin", folder="/shop/summer", tags="sale,red")
    client.fixed("dress.jpg", picture(), folder="/shop/summer", tags="sale")
    client.fixed("dress.jpg", picture(), folder="/shop/summer/sub", tags="red")
    client.fixed("dresses.bin", folder="/shopping", tags="sale,autumn")
    client.fixed("old.bin", b"newer bytes", folder="/shop/summer", tags="new")
    client.api("POST", "/v1/folder", json={"folderName": "winter", "parentFolderPath": "/shop"})
    return client


def test_folder_in_a_list(library: Client) -> None:
    """A folder has the documented details."""
    folder = listed(library, type="folder", path="/", sort="ASC_NAME")[0]
    assert folder.pop("createdAt") == folder.pop("updatedAt")
    assert len(folder.pop("folderId")) == 24
    assert folder == {"type": "folder", "name": "shop", "folderPath": "/shop", "customMetadata": {}}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({"type": "folder"}, ["shop", "shopping", "sub", "summer", "winter"]),
        ({"type": "folder", "path": "/shop"}, ["summer", "winter"]),
        ({"type": "folder", "path": "/shop/summer/sub"}, []),
        ({"type": "folder", "name": "sub"}, ["sub"]),
        ({"type": "all", "path": "/shop/summer"}, ["dress.jpg", "old.bin", "sub"]),
        ({"type": "file-version"}, ["old.bin"]),
        ({"type": "file-version", "path": "/shop"}, []),
        ({"searchQuery": 'type = "folder" AND name : "su"'}, ["sub", "summer"]),
        ({"searchQuery": 'type = "folder" AND path : "/shop/"'}, ["sub", "summer", "winter"]),
        ({"searchQuery": 'type IN ["folder", "file-version"] AND path = "/shop/summer"'}, ["old.bin", "sub"]),
        ({"searchQuery": 'type = "file-version" AND tags IN ["sale"]'}, ["old.bin"]),
        ({"searchQuery": 'type NOT = "folder" AND name = "old.bin"'}, ["old.bin", "old.bin"]),
        ({"searchQuery": 'name : "s"'}, []),
        ({"searchQuery": 'tags IN ["sale"]'}, ["dress.jpg", "dresses.bin"]),
        ({"searchQuery": 'tags IN ["sale", "red", "nothing"]'}, ["dress.jpg", "dress.jpg", "dresses.bin"]),
        ({"searchQuery": 'tags IN ["sale", "autumn"] OR name = "dresses.bin"'}, ["dress.jpg", "dresses.bin"]),
        ({"searchQuery": 'tags IN ["sale"] AND tags IN ["red"]'}, []),
        ({"searchQuery": 'tags IN ["new"] OR name = "dresses.bin"'}, ["dresses.bin", "old.bin"]),
        ({"searchQuery": 'tags IN ["new"] OR size > 100'}, ["dress.jpg", "dress.jpg", "old.bin"]),
        ({"searchQuery": 'name IN ["old.bin", "dress.jpg"]'}, ["dress.jpg", "dress.jpg", "old.bin"]),
        ({"searchQuery": 'name : "dress"'}, ["dress.jpg", "dress.jpg", "dresses.bin"]),
        ({"searchQuery": 'name : "Dress"'}, []),
        ({"searchQuery": 'name : "dress" AND path : "/shop"'}, ["dress.jpg", "dress.jpg"]),
        ({"searchQuery": 'path : "/"', "fileType": "image"}, ["dress.jpg", "dress.jpg"]),
        ({"searchQuery": 'path IN ["/shopping", "/shop/summer/sub"]'}, ["dress.jpg", "dresses.bin"]),
        ({"searchQuery": 'path = "/shop/summer"'}, ["dress.jpg", "old.bin"]),
        ({"searchQuery": 'path : "/shop/"', "path": "/shop/summer"}, ["dress.jpg", "old.bin"]),
        ({"tags": "new,red"}, ["dress.jpg", "old.bin"]),
        ({"tags": ","}, ["dress.jpg", "dress.jpg", "dresses.bin", "old.bin"]),
        ({"name": "dress.jpg", "path": "/shop/summer/sub"}, ["dress.jpg"]),
    ],
    ids=str,
)
def test_what_is_found(library: Client, query: dict[str, object], found: list[str]) -> None:
    """A list has the assets that meet the conditions, each once."""
    assert names(library, **query, sort="ASC_NAME") == found
    assert names(library, **query, sort="DESC_NAME", limit=2, skip=1) == found[::-1][1:3]
    assert sorted(names(library, **query)) == found


@pytest.mark.parametrize(
    "query",
    [
        " OR ".join(['name = "dresses.bin"'] * 1200),
        " AND ".join(['name = "dresses.bin"'] * 1200),
        " OR ".join(['(name = "dresses.bin" OR tags IN ["nothing"])'] * 300),
        f"name IN {json.dumps(['dresses.bin', *map(str, range(2000))])}",
        f"tags IN {json.dumps(['nothing', *map(str, range(2000))])} OR name = 'dresses.bin'",
    ],
    ids=["or", "and", "nested", "names", "tags"],
)
def test_long_query(library: Client, query: str) -> None:
    """A search can have more conditions and values than one of the database."""
    assert names(library, searchQuery=query) == ["dresses.bin"]


def test_asset_is_found_by_its_id(library: Client) -> None:
    """Files and folders have ids."""
    for asset in listed(library, type="all"):
        identifier = asset.get("fileId") or asset["folderId"]
        query = f'type IN ["file", "folder"] AND id = "{identifier}"'
        assert listed(library, searchQuery=query) == [asset]


def test_tags_that_change_are_found(start: Callable[..., Client]) -> None:
    """A search follows each change of the tags, also of those that an extension finds, and the end of the file."""
    client = start(extensions_pending=())
    tagging = '[{"name": "google-auto-tagging", "maxTags": 1, "minConfidence": 0}]'
    file_id = client.fixed("a.bin", tags="one,two", extensions=tagging).json()["fileId"]

    def finding() -> list[str]:
        words = ("one", "two", "three", "Stand-in")
        return [word for word in words if names(client, searchQuery=f'tags IN ["{word}"]')]

    assert finding() == ["one", "two", "Stand-in"]
    client.api("POST", "/v1/files/addTags", json={"fileIds": [file_id], "tags": ["three"]})
    assert finding() == ["one", "two", "three", "Stand-in"]
    client.api("POST", "/v1/files/removeTags", json={"fileIds": [file_id], "tags": ["one"]})
    assert finding() == ["two", "three", "Stand-in"]
    client.fixed("a.bin", tags="one")
    assert finding() == ["one"]
    client.api("DELETE", f"/v1/files/{file_id}")
    assert finding() == []


def test_list_that_ends_early_keeps_nothing(start: Callable[..., Client]) -> None:
    """A page is part of a list that goes on; the next list has what was stored since."""
    client = start()
    for number in range(5):
        client.fixed(f"{number}.bin", tags="x")
        for query in ({}, {"searchQuery": 'tags IN ["x"]'}, {"sort": "DESC_SIZE"}, {"searchQuery": "size > 0"}):
            assert len(listed(client, **query, limit=1)) == 1
            assert len(listed(client, **query)) == number + 1


def test_store_of_an_earlier_emulator_is_indexed(start: Callable[..., Client], tmp_path: Path) -> None:
    """Files are found by tags, and folders are listed, in a directory that an earlier emulator wrote."""
    shutil.copytree(Path(__file__).parents[2] / "data" / "emulator" / "0.1", tmp_path / "old")
    for client in (start(tmp_path / "old"), start(tmp_path / "old")):
        assert names(client, searchQuery='tags IN ["über"]') == ["a.gif"]
        folders = listed(client, type="folder", sort="ASC_NAME")
        assert [folder["folderPath"] for folder in folders] == ["/old/deep", "/old"]
        assert len({folder["folderId"] for folder in folders}) == 2
        assert names(client, type="all", path="/old", sort="ASC_NAME") == ["b.bin", "deep"]


def test_plain_tags_are_those_of_users(start: Callable[..., Client]) -> None:
    """The parameter `tags` does not find the tags of an extension [guess]; a search does [docs]."""
    client = start(extensions_pending=())
    client.fixed("a.bin", extensions='[{"name": "google-auto-tagging", "maxTags": 1, "minConfidence": 0}]')
    assert names(client, tags="Stand-in") == []


@pytest.mark.parametrize("key", ["NAME", "CREATED", "UPDATED", "SIZE", "WIDTH", "HEIGHT", "DURATION"])
def test_all_orders(library: Client, key: str) -> None:
    """Ascending and descending are opposite, but for what lacks the detail, which is last in both."""
    detail = {"CREATED": "createdAt", "UPDATED": "updatedAt"}.get(key, key.lower())
    for query in ({"type": "all"}, {"searchQuery": 'name : ""'}, {"path": "/shop/summer"}):
        up, down = (
            [each.get(detail) for each in listed(library, **query, sort=f"{way}_{key}")] for way in ("ASC", "DESC")
        )
        known = [value for value in up if value is not None]
        assert known == sorted(known)
        assert up == known + [None] * (len(up) - len(known))
        assert down == known[::-1] + [None] * (len(up) - len(known))
