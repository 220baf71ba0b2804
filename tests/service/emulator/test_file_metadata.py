"""The metadata of a file, by its id or its URL."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, picture, refused
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable

    from doubles import Site

UNKNOWN_ID = "65f3c0aa7b1d2e9f40c8d123"
BY_URL = "/v1/metadata"


def photo() -> bytes:
    """Return a JPEG with EXIF data."""
    buffer, exif = io.BytesIO(), Image.Exif()
    exif[271] = "Camera"
    Image.new("RGB", (20, 10), "teal").save(buffer, "JPEG", exif=exif)
    return buffer.getvalue()


def test_metadata_of_a_file(client: Client) -> None:
    """It is the same as in the response to the upload."""
    reply = client.upload(photo(), fileName="a.jpg", responseFields="metadata").json()
    found = client.api("GET", f"/v1/files/{reply['fileId']}/metadata").json()
    assert found == reply["metadata"]
    assert (found["width"], found["exif"]["image"]["Make"], len(found["pHash"])) == (20, "Camera", 16)


def test_metadata_of_the_current_version(client: Client) -> None:
    """It is that of the newest version."""
    for width in (30, 40):
        reply = client.fixed("versions.jpg", picture(size=(width, 5))).json()
    assert client.api("GET", f"/v2/files/{reply['fileId']}/metadata/").json()["width"] == 40


def test_metadata_of_a_file_that_is_not_an_image(client: Client) -> None:
    """A file that is neither an image nor a video has none."""
    assert client.api("GET", f"/v1/files/{client.upload().json()['fileId']}/metadata").json() == {}


@pytest.mark.parametrize(
    ("file_id", "answer"),
    [
        ("fake_file_xbc", (400, "Your request contains invalid fileId parameter.")),
        (UNKNOWN_ID, (404, "The requested file does not exist.")),
    ],
)
def test_metadata_of_no_file(client: Client, file_id: str, answer: tuple[int, str]) -> None:
    """A malformed id is a 400 [recorded], an unknown one a 404."""
    assert refused(client.api("GET", f"/v1/files/{file_id}/metadata")) == answer


@pytest.mark.parametrize(
    ("change", "size"),
    [
        (lambda url: url, (20, 10)),
        (lambda url: url + "?tr=w-8", (8, 4)),
        (lambda url: url.replace("/emulator/", "/emulator/tr:h-5/"), (10, 5)),
    ],
    ids=["original", "query", "path"],
)
def test_metadata_of_an_own_url(
    start: Callable[..., Client], change: Callable[[str], str], size: tuple[int, int]
) -> None:
    """It is the metadata of what the URL delivers, without a request to the emulator itself."""
    client = start(fetch_hosts=(), names="keep")
    url = client.upload(photo(), fileName="a b ä%.jpg").json()["url"]
    found = client.api("GET", BY_URL, params={"url": change(url)}).json()
    assert (found["width"], found["height"]) == size
    assert [entry["path"] for entry in client.emulator.log()][1:] == [BY_URL]
    assert list(client.emulator.directory.joinpath("incoming").iterdir()) == []


def test_own_url_under_another_name(start: Callable[..., Client]) -> None:
    """The host of a URL may be the one that the request has."""
    client = start(hosts=["emulator"])
    client.fixed("a.jpg", photo())
    query = {"url": "http://emulator/emulator/a.jpg"}
    found = [client.api("GET", BY_URL, params=query, headers=headers) for headers in ({"Host": "emulator"}, {})]
    assert [reply.status_code for reply in found] == [200, 400]


def test_metadata_of_a_url_that_is_not_encoded(client: Client) -> None:
    """A name may be written as it is."""
    client.fixed("blå.jpg", photo())
    url = f"{client.emulator.url_endpoint}/blå.jpg"
    assert client.api("GET", BY_URL, params={"url": url}).json()["width"] == 20


@pytest.mark.parametrize(
    "tail", ["missing.jpg", "draft.jpg", "private.jpg", "a.jpg?tr=n-unknown", "a.jpg?ik-s=0", "%00", ""]
)
def test_own_url_that_delivers_nothing(start: Callable[..., Client], tail: str) -> None:
    """It is the recorded 400."""
    client = start()
    client.fixed("a.jpg", photo())
    client.fixed("draft.jpg", photo(), isPublished="false")
    client.fixed("private.jpg", photo(), isPrivateFile="true")
    url = f"{client.emulator.url_endpoint}/{tail}"
    answer = refused(client.api("GET", BY_URL, params={"url": url}))
    assert answer == (400, f"{url} should be accessible using your ImageKit.io account.")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "Your request is missing url parameter."),
        ({"url": ""}, "Your request is missing url parameter."),
        ({"url": "a.jpg"}, "Your request contains invalid url parameter. It must be an http or https URL."),
        (
            {"url": "file:///etc/passwd"},
            "Your request contains invalid url parameter. It must be an http or https URL.",
        ),
        ({"url": "http://[::1"}, "Your request contains invalid url parameter. It must be an http or https URL."),
    ],
    ids=str,
)
def test_metadata_without_a_url(client: Client, query: dict[str, str], message: str) -> None:
    """A URL that is missing or invalid is a 400."""
    assert refused(client.api("GET", BY_URL, params=query)) == (400, message)


def test_metadata_of_another_url(start: Callable[..., Client], site: Site) -> None:
    """A URL of another host is downloaded, if it is public or a rule allows its host."""
    url = site.put("/a.jpg", photo())
    assert start().api("GET", BY_URL, params={"url": url}).json()["width"] == 20
    status, message = refused(start(fetch_hosts=()).api("GET", BY_URL, params={"url": url}))
    assert (status, "fetch_hosts" in message) == (400, True)


def test_only_urls_of_the_account(start: Callable[..., Client]) -> None:
    """`metadata_urls="account"` rejects all other URLs as recorded."""
    answer = refused(start(metadata_urls="account").api("GET", BY_URL, params={"url": "https://a.example/a.jpg"}))
    assert answer == (400, "https://a.example/a.jpg should be accessible using your ImageKit.io account.")


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:1/a",
        "http://127.0.0.1:99999/",
        "http://a\x00b/",
        "http:// /",
        "http://xn--/",
        "http://ä.invalid/",
    ],
)
def test_metadata_of_a_hostile_url(start: Callable[..., Any], url: str) -> None:
    """A URL that nobody serves is one error in JSON."""
    assert refused(start(url_timeout=1.0).api("GET", BY_URL, params={"url": url}))[0] == 400
