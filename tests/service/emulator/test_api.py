"""The media library's API, and delivery."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, Clock, picture, refused

if TYPE_CHECKING:
    from collections.abc import Callable

NO_KEY = (401, "Your request does not contain private API key.")
WRONG_KEY = (403, "Your account cannot be authenticated.")


@pytest.mark.parametrize(
    ("authorization", "answer"),
    [
        (None, NO_KEY),
        ("Bearer x", NO_KEY),
        ("Basic", WRONG_KEY),
        ("Basic not base64", WRONG_KEY),
        ("Basic cHJpdmF0ZTo=", WRONG_KEY),
    ],
)
def test_api_needs_the_private_key(client: Client, authorization: str | None, answer: tuple[int, str]) -> None:
    """A request without a key is a 401, with a wrong one a 403."""
    headers = {} if authorization is None else {"Authorization": authorization}
    assert refused(client.http.get(client.emulator.url + "/v1/files", headers=headers)) == answer


def names(client: Client, **query: object) -> list[str]:
    """Return the names of listed files."""
    return [file["name"] for file in client.api("GET", "/v1/files", params=query).json()]


@pytest.fixture(scope="module")
def three(client: Client) -> None:
    """Store three files in a folder and one below it."""
    client.fixed("b.jpg", picture(), folder="/three", tags="red,new")
    client.fixed("a.bin", b"longer than the picture" * 100, folder="/three", tags="red")
    client.fixed("c.png", picture("PNG", (30, 40)), folder="/three")
    client.fixed("below.bin", folder="/three/below")


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("query", "found"),
    [
        ({}, ["b.jpg", "a.bin", "c.png"]),
        ({"sort": "ASC_NAME"}, ["a.bin", "b.jpg", "c.png"]),
        ({"sort": "DESC_NAME"}, ["c.png", "b.jpg", "a.bin"]),
        ({"sort": "DESC_CREATED"}, ["c.png", "a.bin", "b.jpg"]),
        ({"sort": "DESC_SIZE", "limit": 1}, ["a.bin"]),
        ({"sort": "ASC_WIDTH"}, ["b.jpg", "c.png", "a.bin"]),
        ({"sort": "DESC_WIDTH"}, ["c.png", "b.jpg", "a.bin"]),
        ({"sort": "DESC_RELEVANCE"}, ["b.jpg", "a.bin", "c.png"]),
        ({"limit": 2}, ["b.jpg", "a.bin"]),
        ({"limit": 2, "skip": 2}, ["c.png"]),
        ({"fileType": "image"}, ["b.jpg", "c.png"]),
        ({"fileType": "non-image"}, ["a.bin"]),
        ({"type": "folder"}, ["below"]),
        ({"type": "all", "sort": "DESC_NAME"}, ["c.png", "below", "b.jpg", "a.bin"]),
        ({"type": "all", "fileType": "image"}, ["b.jpg", "c.png"]),
        ({"type": "all", "name": "below"}, ["below"]),
        ({"type": "all", "tags": "new"}, ["b.jpg"]),
        ({"type": "file-version"}, []),
        ({"name": "c.png"}, ["c.png"]),
        ({"tags": "new,other"}, ["b.jpg"]),
        ({"searchQuery": 'tags IN ["red"]', "name": "c.png", "tags": "new", "type": "folder"}, ["b.jpg", "a.bin"]),
        ({"searchQuery": 'tags IN ["red"]', "fileType": "image"}, ["b.jpg"]),
        ({"sort": "DESC_ORIGINAL_CREATION_DATE"}, ["c.png", "a.bin", "b.jpg"]),
    ],
    ids=str,
)
def test_list(client: Client, query: dict[str, object], found: list[str]) -> None:
    """A list is filtered, sorted, and divided into pages."""
    assert names(client, path="three/", **query) == found


@pytest.mark.usefixtures("three")
def test_list_without_a_path_is_of_all_folders(client: Client) -> None:
    """A search without a folder searches the whole library."""
    assert names(client, searchQuery='name = "below.bin"') == ["below.bin"]


@pytest.mark.parametrize(
    "query",
    [
        {"limit": 0},
        {"limit": 1001},
        {"limit": "x"},
        {"skip": -1},
        {"skip": 10**30},
        pytest.param({"limit": "9" * 5000}, id="endless"),
        {"sort": "NAME"},
        {"sort": "ASC_COLOUR"},
        {"type": "image"},
        {"fileType": "video"},
    ],
    ids=str,
)
def test_list_that_can_not_be(client: Client, query: dict[str, object]) -> None:
    """A parameter outside its range is a 400 that names it."""
    status, message = refused(client.api("GET", "/v1/files", params=query))
    assert (status, message.split(".")[0]) == (400, f"Your request contains invalid {next(iter(query))} parameter")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (
            'createdAt > "yesterday"',
            "createdAt field must have a valid date value. Make sure the value is enclosed within quotes",
        ),
        ("(", "expected a field at character 1, found the end of the query"),
    ],
)
def test_search_that_can_not_be(client: Client, query: str, message: str) -> None:
    """An invalid search is rejected in the service's words [recorded for a date]."""
    hint = "Please refer to the documentation for syntax specification."
    reply = client.api("GET", "/v1/files", params={"searchQuery": query})
    assert refused(reply) == (400, f"Invalid search query - {message}. {hint}")


def test_search_that_can_not_be_in_an_empty_library(start: Callable[..., Client]) -> None:
    """An invalid search is rejected even if there are no files."""
    assert start().api("GET", "/v1/files", params={"searchQuery": "("}).status_code == 400


def test_pages_are_the_list(start: Callable[..., Client]) -> None:
    """All pages together have the same files as one list, each file once, also with a condition."""
    client = start()
    for number in range(7):
        client.fixed(f"{number}.bin", folder="/a" if number % 2 else "/b")
    for query in (
        {},
        {"path": "/a"},
        {"type": "file"},
        {"searchQuery": 'name : "" AND size > 1'},
        {"sort": "DESC_NAME"},
    ):
        pages = [names(client, **query, limit=2, skip=skip) for skip in range(0, 8, 2)]
        assert [name for page in pages for name in page] == names(client, **query)


@pytest.mark.parametrize("query", ['name = "ü.bin"', ' name="\\u00fc.bin" ', '"name" = "ü.bin"', '(name = "ü.bin")'])
def test_file_is_found_by_its_name(start: Callable[..., Client], query: str) -> None:
    """A query for one name finds the files with this name, in all folders or in one, however it is written."""
    client = start()
    for folder, name in (("/a", "ü.bin"), ("/b", "ü.bin"), ("/a", "u.bin")):
        client.fixed(name, folder=folder)
    assert names(client, searchQuery=query) == ["ü.bin", "ü.bin"]
    assert names(client, searchQuery=query, path="/b") == ["ü.bin"]


def test_no_file_has_half_a_character_in_its_name(client: Client) -> None:
    """A query for half a character finds nothing."""
    assert client.api("GET", "/v1/files", params={"searchQuery": 'name = "\\ud83d"'}).json() == []


def test_files_appear_after_the_lag(start: Callable[..., Client]) -> None:
    """A file is in lists `index_lag` seconds after it was stored, and has its details at once."""
    client = start(index_lag=0.15, clock=(clock := Clock()))
    answer = client.fixed("late.bin").json()
    assert names(client) == []
    assert client.details(answer["fileId"])["name"] == "late.bin"
    clock.go_on(0.16)
    assert names(client) == ["late.bin"]


def test_details(client: Client) -> None:
    """Details have what lists have, under the documented names."""
    answer = client.fixed("d.jpg", picture(), tags="x").json()
    details = client.details(answer["fileId"])
    moments = details.pop("createdAt"), details.pop("updatedAt")
    assert moments[0] == moments[1]
    assert details == {
        **{name: answer[name] for name in ("fileId", "name", "filePath", "tags", "AITags", "versionInfo", "url")},
        "type": "file",
        "thumbnail": answer["thumbnailUrl"],
        "isPrivateFile": False,
        "isPublished": True,
        "customCoordinates": None,
        "fileType": "image",
        "mime": "image/jpeg",
        "width": 20,
        "height": 10,
        "size": len(picture()),
        "hasAlpha": False,
        "customMetadata": {},
        "embeddedMetadata": details["embeddedMetadata"],
        "description": None,
    }


def test_delete(client: Client) -> None:
    """A deleted file is neither in the library nor delivered; deleting it again is a 404."""
    answer = client.upload().json()
    path = f"/v1/files/{answer['fileId']}"
    assert client.api("DELETE", path).status_code == 204
    assert client.http.get(answer["url"]).status_code == 404
    assert client.api("GET", f"{path}/details").status_code == 404
    assert client.api("DELETE", path).status_code == 404


def test_delete_many(client: Client) -> None:
    """Files are deleted by their ids, all of them or none."""
    ids = [client.upload().json()["fileId"] for _ in range(2)]
    path = "/v1/files/batch/deleteByFileIds"
    assert client.api("POST", path, json={"fileIds": [*ids, "unknown"]}).status_code == 404
    assert client.api("POST", path, json={"fileIds": ids}).json() == {"successfullyDeletedFileIds": ids}
    assert client.api("POST", path, json={"fileIds": ids}).status_code == 404


def test_tags_are_added_and_removed(client: Client) -> None:
    """Tags are added once each, and no tags are null."""
    body: dict[str, Any] = {"fileIds": [client.upload(tags="a").json()["fileId"]], "tags": ["a", "b"]}
    assert client.api("POST", "/v1/files/addTags", json=body).json() == {"successfullyUpdatedFileIds": body["fileIds"]}
    assert client.details(body["fileIds"][0])["tags"] == ["a", "b"]
    assert client.api("POST", "/v1/files/removeTags", json=body).status_code == 200
    assert client.details(body["fileIds"][0])["tags"] is None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/files/batch/deleteByFileIds", {"fileIds": ["x"] * 101}),
        ("/v1/files/batch/deleteByFileIds", {"fileIds": []}),
        ("/v1/files/batch/deleteByFileIds", {"fileIds": [1]}),
        ("/v1/files/batch/deleteByFileIds", ["x"]),
        ("/v1/files/addTags", {"fileIds": ["x"] * 51, "tags": ["a"]}),
        ("/v1/files/removeTags", {"fileIds": ["x"]}),
    ],
)
def test_batch_that_can_not_be(client: Client, path: str, body: object) -> None:
    """A batch that is too long, empty or of the wrong shape is a 400."""
    assert client.api("POST", path, json=body).status_code == 400


def test_body_that_is_no_json(client: Client) -> None:
    """A body that cannot be parsed is a 400."""
    assert client.api("POST", "/v1/files/addTags", content=b"{").status_code == 400


def test_api_rate(start: Callable[..., Client]) -> None:
    """Beyond its rate, the API responds with a 429 and the milliseconds to wait."""
    client = start(api_rate=2, rate_interval=60_000)
    replies = [client.api("GET", "/v1/files") for _ in range(3)]
    assert [reply.status_code for reply in replies] == [200, 200, 429]
    assert int(replies[-1].headers["X-RateLimit-Reset"]) > 50_000


def test_original_is_delivered(client: Client) -> None:
    """The URL in the response delivers the bytes, with their type and length."""
    reply = client.http.get(client.fixed("靴 下.jpg", picture(), folder="/日本").json()["url"])
    assert reply.content == picture()
    assert (reply.headers["content-type"], reply.headers["content-length"]) == ("image/jpeg", str(len(picture())))


def test_thumbnail_is_delivered(client: Client) -> None:
    """The thumbnail's URL delivers an image, also of a private file."""
    answer = client.upload(picture(), fileName="t.jpg", isPrivateFile="true").json()
    reply = client.http.get(answer["thumbnailUrl"])
    assert (reply.status_code, reply.headers["content-type"].partition("/")[0]) == (200, "image")


def test_thumbnail_of_no_image(client: Client) -> None:
    """A file that is not an image has no thumbnail."""
    name = client.upload(b"text").json()["name"]
    thumbnail = f"{client.emulator.url_endpoint}/tr:n-media_library_thumbnail/{name}"
    assert client.http.get(thumbnail).status_code == 404


def test_private_file_needs_a_signature(client: Client) -> None:
    """The unsigned URL of a private file is rejected."""
    assert client.http.get(client.upload(isPrivateFile="true").json()["url"]).status_code == 401


def test_unpublished_file_is_not_delivered(client: Client) -> None:
    """A draft is in the library, but not delivered."""
    answer = client.upload(isPublished="false").json()
    assert client.http.get(answer["url"]).status_code == 404
    assert client.details(answer["fileId"])["isPublished"] is False


def test_unknown_path(client: Client) -> None:
    """A path without a file is a 404."""
    assert client.http.get(client.emulator.url + "/nothing/here").status_code == 404


def test_browser_may_upload(client: Client) -> None:
    """Any origin may send a preflight request, and read the response."""
    reply = client.http.options(client.emulator.upload_url, headers={"Origin": "https://shop.example"})
    assert (reply.status_code, reply.headers["access-control-allow-origin"]) == (204, "*")
    assert client.upload().headers["access-control-allow-origin"] == "*"


def test_preflight_can_be_refused(start: Callable[..., Client]) -> None:
    """`preflight=False` rejects preflight requests, and accepts plain forms."""
    client = start(preflight=False)
    reply = client.http.options(client.emulator.upload_url)
    assert (reply.status_code, "access-control-allow-origin" in reply.headers) == (403, False)
    assert client.upload().headers["access-control-allow-origin"] == "*"
