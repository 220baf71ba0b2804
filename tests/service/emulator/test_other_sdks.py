"""Requests as official SDKs in other languages send them, where they differ from those for JavaScript and Python."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from emulator_client import Client


def test_the_path_of_the_first_v2_client(client: Client) -> None:
    """The branch `v2-alpha` of the JavaScript SDK has a path of its own, and is V2 in all else."""
    form = {"fileName": "alpha.bin", "token": client.token({"fileName": "alpha.bin"})}
    url = f"{client.emulator.url}/api/v2-alpha/files/upload"
    replies = [client.http.post(url, data=form, files={"file": b"x"}) for _ in range(2)]
    assert [reply.status_code for reply in replies] == [200, 400]


def test_folders_with_a_slash_at_the_end(client: Client) -> None:
    """PHP's path has it; Ruby's SDK needs JSON in each answer that is not a 204."""
    folder = {"folderName": "php", "parentFolderPath": "/"}
    made = client.api("POST", "/v1/folder/", json=folder)
    assert (made.status_code, made.headers["content-type"], made.json()) == (201, "application/json", {})
    assert client.api("DELETE", "/v1/folder/", json={"folderPath": "/php"}).status_code == 204


@pytest.mark.parametrize("path", ["/api/v1/files/upload", "/api/v2/files/upload"])
def test_fields_with_a_type_of_their_own(client: Client, path: str) -> None:
    """Ruby's and Java's forms give each text field a content type; objects are JSON in them."""
    fields = {"fileName": "ruby.bin", "tags": "a,b", "useUniqueFileName": "false", "transformation": '{"post":[]}'}
    form = [(name, (None, value, "text/plain")) for name, value in fields.items()]
    file = ("file", ("ruby.bin", b"some bytes", "application/octet-stream"))
    reply = client.api("POST", path, files=[file, *form])
    assert (reply.status_code, reply.json()["name"], reply.json()["tags"]) == (200, "ruby.bin", ["a", "b"])


def test_a_file_in_base64_as_a_text_field(client: Client) -> None:
    """The older Java and Python SDKs send bytes so, before the other fields."""
    form = [("file", (None, "c29tZSBieXRlcw==")), ("fileName", (None, "java.bin"))]
    reply = client.api("POST", "/api/v1/files/upload", files=form)
    assert (reply.status_code, reply.json()["size"]) == (200, 10)


def test_a_body_of_json_with_a_charset(client: Client) -> None:
    """Java's older SDK names it."""
    body = json.dumps({"folderName": "java", "parentFolderPath": "/"}).encode()
    headers = {"content-type": "application/json; charset=utf-8"}
    assert client.api("POST", "/v1/folder", content=body, headers=headers).status_code == 201


def test_a_form_as_the_body(client: Client) -> None:
    """Ruby's older SDK purges, moves files and folders, and deletes folders with a form."""
    client.api("POST", "/v1/folder", json={"folderName": "é", "parentFolderPath": "/form"})
    purged = client.api("POST", "/v1/files/purge", data={"url": f"{client.emulator.url_endpoint}/a.jpg"})
    deleted = client.api("DELETE", "/v1/folder", data={"folderPath": "/form/é"})
    assert (purged.status_code, deleted.status_code) == (201, 204)


@pytest.mark.parametrize("body", [b"", b"x", b"url", b"\xff=1", b"url=%FF"])
def test_a_form_that_is_none(client: Client, body: bytes) -> None:
    """It is a 400 in JSON, as invalid JSON is."""
    headers = {"content-type": "application/x-www-form-urlencoded"}
    reply = client.api("POST", "/v1/files/purge", content=body, headers=headers)
    assert (reply.status_code, "message" in reply.json()) == (400, True)
