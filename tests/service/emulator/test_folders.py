"""Folders: created, and deleted with their content."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from emulator_client import Client, refused

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import httpx


def make(client: Client, name: str, parent: str = "/") -> httpx.Response:
    """Create a folder."""
    return client.api("POST", "/v1/folder", json={"folderName": name, "parentFolderPath": parent})


def delete(client: Client, path: str, tail: str = "") -> httpx.Response:
    """Delete a folder."""
    return client.api("DELETE", f"/v1/folder{tail}", json={"folderPath": path})


def paths(client: Client) -> list[str]:
    """Return the paths of all stored files."""
    return [file["filePath"] for file in client.api("GET", "/v1/files").json()]


def test_a_folder_goes_with_all_that_is_below(client: Client) -> None:
    """A 204 without a body; files, their versions and folders below are deleted, and nothing else [docs]."""
    for folder in ("/a", "/a/b", "/ab", "/c/a"):
        client.fixed("x.bin", folder=folder)
    version = client.fixed("x.bin", b"newer", folder="/a/b").json()
    reply = delete(client, "a/")
    assert (reply.status_code, reply.content) == (204, b"")
    assert sorted(paths(client)) == ["/ab/x.bin", "/c/a/x.bin"]
    assert client.http.get(version["url"]).status_code == 404
    assert [delete(client, path).status_code for path in ("/a/b", "/ab", "/c/", "/c/a")] == [404, 204, 204, 404]


@pytest.mark.parametrize("tail", ["", "/"])
def test_a_folder_that_there_is_not(client: Client, tail: str) -> None:
    """The response is a 404 with the documented message, at both paths of the endpoint."""
    answer = delete(client, "folder/to/delete/", tail)
    assert answer.status_code == 404
    assert answer.json()["message"] == "No folder found with folderPath folder/to/delete/"
    assert answer.json()["reason"] == "FOLDER_NOT_FOUND"


def test_a_folder_is_made(client: Client) -> None:
    """A 201 with an empty object; its parents are created as well, and it exists although it is empty [docs]."""
    reply = make(client, "summer", "product/images")
    assert (reply.status_code, reply.content) == (201, b"{}")
    assert make(client, "summer", "/product/images/").status_code == 201
    assert [delete(client, path).status_code for path in ("/product/images/summer", "/product")] == [204, 204]
    assert delete(client, "/product/images").status_code == 404


def test_a_folder_s_name_is_one_level(client: Client) -> None:
    """Characters other than letters, marks and numerals become `_` [docs]; a slash is a 400 [recorded]."""
    make(client, "blå sko.1-2_3")
    assert delete(client, "/blå_sko_1-2_3").status_code == 204
    assert refused(make(client, "a/b")) == (400, "folderName parameter cannot have a slash.")


def test_a_folder_that_is_too_deep(client: Client) -> None:
    """A folder has at most 50 levels, as in uploads."""
    assert make(client, "x", "/a" * 49).status_code == 201
    expected = "Your request contains invalid parentFolderPath parameter. It is nested more than 50 levels deep."
    assert refused(make(client, "x", "/a" * 50)) == (400, expected)


def test_a_name_is_kept(start: Callable[..., Client]) -> None:
    """With `names=keep`, a folder is created under the name that an upload to it would have."""
    client = start(names="keep")
    make(client, "50 % off & more")
    assert delete(client, "/50 % off & more").status_code == 204


def test_the_path_in_the_query(client: Client) -> None:
    """A client that sends no body with `DELETE` has the path in the query."""
    make(client, "in the query")
    reply = client.api("DELETE", "/v1/folder", params={"folderPath": "/in_the_query"})
    assert reply.status_code == 204
    assert delete(client, "/in_the_query").status_code == 404


def test_a_body_that_is_too_large(client: Client) -> None:
    """A body that would fill the memory is a 413 in JSON."""
    status, message = refused(make(client, "a" * 1024 * 1024))
    assert (status, message) == (413, "Your request is larger than 1048576 bytes.")


def test_an_empty_folder_stays(client: Client, start: Callable[..., Client], tmp_path: Path) -> None:
    """A folder exists without its files, also after a restart."""
    first = start(tmp_path)
    file_id = first.fixed("x.bin", folder="/left").json()["fileId"]
    first.api("DELETE", f"/v1/files/{file_id}")
    first.emulator.__exit__()
    assert delete(start(tmp_path), "/left/").status_code == 204
    assert delete(client, "/left/").status_code == 404


@pytest.mark.parametrize("path", ["/", "//", ""])
def test_the_root_stays(client: Client, path: str) -> None:
    """The root cannot be deleted."""
    client.fixed("x.bin", folder="/")
    assert refused(delete(client, path))[0] == 400
    assert "/x.bin" in paths(client)


@pytest.mark.parametrize(
    "body", [{}, {"folderName": "a"}, {"folderName": 4, "parentFolderPath": "/"}, [], "a"], ids=str
)
def test_a_request_that_lacks_something(client: Client, body: object) -> None:
    """The message names the missing parameter."""
    assert refused(client.api("POST", "/v1/folder", json=body))[1].startswith("Your request is missing ")
    assert refused(client.api("DELETE", "/v1/folder", json=body)) == (
        400,
        "Your request is missing folderPath parameter.",
    )


def test_it_needs_the_private_key(client: Client) -> None:
    """The endpoints need the private key."""
    for method in ("POST", "DELETE"):
        assert client.http.request(method, f"{client.emulator.url}/v1/folder", json={}).status_code == 401
