"""Which paths and methods the emulator has, and the headers of all its responses."""

from __future__ import annotations

import base64
import hashlib
import uuid
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, Clock, picture

from ikpipe.emulator.routing import canonical_path

if TYPE_CHECKING:
    from collections.abc import Callable

    import httpx

PAGE = {"Origin": "https://shop.example"}


def send(client: Client, method: str, path: str, **options: Any) -> httpx.Response:
    """Send a request with the private key."""
    return client.api(method, path, **options)


@pytest.mark.parametrize("path", ["/v1/files", "/v1/files/", "/v2/files", "/v2/files/", "/v1/files//"])
def test_other_spellings_of_a_path(client: Client, path: str) -> None:
    """The media API answers under /v2 as well, and with a slash at the end."""
    assert send(client, "GET", path).status_code == 200


@pytest.mark.parametrize("path", ["/v2/files/{}/details", "/v1/files/{}/details/", "/v2/files/{}/details/"])
def test_other_spellings_of_a_path_with_an_id(client: Client, path: str) -> None:
    """An endpoint with an id in its path has the same spellings."""
    file_id = client.upload().json()["fileId"]
    assert send(client, "GET", path.format(file_id)).json()["fileId"] == file_id


def test_an_upload_may_have_a_slash_at_the_end(client: Client) -> None:
    """Uploads are accepted with a slash at the end."""
    form = {"fileName": (None, "a"), "file": (None, "YQ==")}
    assert send(client, "POST", "/api/v1/files/upload/", files=form).status_code == 200


@pytest.mark.parametrize("path", ["/emulator/v2/files/", "/emulator/a/", "/v3/files/", "/", "", "*"])
def test_other_paths_keep_their_spelling(path: str) -> None:
    """A path of delivery, and one that the service does not have, are not changed."""
    assert canonical_path(path) == path


MISSING = [
    ("GET", "/"),
    ("GET", "/v3/files"),
    ("POST", "/v1/nothing/at/all"),
    ("GET", "/v1/files/a%2Fb/details"),
    ("OPTIONS", "/v1/nothing"),
    ("GET", "/api/v3/files/upload"),
    ("GET", "/<script>"),
    ("GET", "/v1/%ff%00"),
    ("GET", "/v1/" + "x" * 5000),
]


@pytest.mark.parametrize(("method", "path"), MISSING)
def test_path_that_does_not_exist(client: Client, method: str, path: str) -> None:
    """It is a 404 in JSON that says so."""
    reply = send(client, method, path)
    assert (reply.status_code, reply.json().keys()) == (404, {"message", "help"})
    assert reply.json()["message"].startswith(f"The emulator does not have the endpoint {method} /")


WRONG = [
    ("PUT", "/v1/files", "GET, HEAD, OPTIONS"),
    ("TRACE", "/v2/files/", "GET, HEAD, OPTIONS"),
    ("GET", "/api/v2/files/upload", "OPTIONS, POST"),
    ("PATCH", "/api/v1/files/upload", "OPTIONS, POST"),
    ("GET", "/v1/folder", "DELETE, OPTIONS, POST"),
    ("POST", "/emulator/a.jpg", "GET, HEAD, OPTIONS"),
    ("POST", "/emulator/log", "GET, HEAD"),
    ("PROPFIND", "/v1/folder", "DELETE, OPTIONS, POST"),
]


@pytest.mark.parametrize(("method", "path", "allowed"), WRONG)
def test_method_that_a_path_does_not_have(client: Client, method: str, path: str, allowed: str) -> None:
    """It is a 405 in JSON, with the methods that the path has."""
    reply = send(client, method, path)
    assert (reply.status_code, reply.headers["allow"], reply.json().keys()) == (405, allowed, {"message", "help"})


def test_a_missing_file_is_an_error_of_delivery(client: Client) -> None:
    """A file that does not exist is the text of delivery, also with a slash at the end."""
    for path in ("/emulator/missing.jpg", "/emulator/missing/"):
        reply = client.http.get(client.emulator.url + path)
        assert (reply.status_code, reply.text, "ik-error" in reply.headers) == (404, "Not Found", True)


@pytest.mark.parametrize(
    ("path", "methods"),
    [
        ("/api/v2/files/upload", "OPTIONS, POST"),
        ("/api/v1/files/upload/", "OPTIONS, POST"),
        ("/v1/files", "GET, HEAD, OPTIONS"),
        ("/v2/customMetadataFields/1", "DELETE, OPTIONS, PATCH"),
        ("/emulator/a.jpg", "GET, HEAD, OPTIONS"),
    ],
)
def test_preflight_requests(client: Client, path: str, methods: str) -> None:
    """Pages may send what the path accepts, with any header; `*` does not include Authorization."""
    asked = PAGE | {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,x-a"}
    reply = client.http.options(client.emulator.url + path, headers=asked)
    given = {name: value for name, value in reply.headers.items() if name.startswith("access-control-allow")}
    assert (reply.status_code, given) == (
        204,
        {
            "access-control-allow-origin": "*",
            "access-control-allow-methods": methods,
            "access-control-allow-headers": "Authorization, *",
        },
    )


@pytest.mark.parametrize("path", ["/api/v2/files/upload", "/v1/files", "/v1/missing", "/emulator/missing.jpg"])
def test_request_ids(client: Client, path: str) -> None:
    """Each response has one random UUID under two names."""
    first, second = (send(client, "GET", path).headers for _ in range(2))
    assert first["x-ik-requestid"] == first["x-request-id"] != second["x-request-id"]
    assert str(uuid.UUID(first["x-request-id"], version=4)) == first["x-request-id"]


def test_the_log_has_the_request_id(client: Client) -> None:
    """The log has the id of each response."""
    reply = client.upload()
    assert client.emulator.log()[-1]["request_id"] == reply.headers["x-ik-requestid"]


@pytest.mark.parametrize("path", ["/v1/files", "/v2/files/", "/v1/missing", "/v1/files/1/details"])
def test_rate_limit_of_every_response(client: Client, path: str) -> None:
    """Each response of the media API says what its limit is, once."""
    headers = send(client, "GET", path).headers
    limits = [headers.get_list(f"x-ratelimit-{name}") for name in ("limit", "reset", "interval")]
    assert limits == [["1000000"], ["1000"], ["1000"]]


def test_rate_limit_without_a_key(client: Client) -> None:
    """A rejected request has the headers as well."""
    reply = client.http.get(client.emulator.url + "/v1/files")
    assert (reply.status_code, "x-ratelimit-limit" in reply.headers) == (401, True)


def test_rate_limit_of_a_window(start: Callable[..., Client]) -> None:
    """The headers follow the window, and a 429 has them once."""
    clock = Clock()
    client = start(api_rate=2, rate_interval=2000, clock=clock)
    seen = []
    for _ in range(3):
        reply = send(client, "GET", "/v1/files")
        seen.append((reply.status_code, reply.headers["x-ratelimit-limit"], int(reply.headers["x-ratelimit-reset"])))
        clock.go_on(0.5)
    assert seen == [(200, "2", 2001), (200, "2", 1501), (429, "2", 1001)]


def test_rate_limit_headers_can_be_absent(start: Callable[..., Client]) -> None:
    """`rate_headers=False` sends none, neither with a 429 nor otherwise; a 405 keeps its header."""
    client = start(api_rate=1, rate_headers=False, rate_interval=60_000)
    replies = [send(client, "GET", "/v1/files") for _ in range(2)]
    assert [(r.status_code, "x-ratelimit-reset" in r.headers) for r in replies] == [(200, False), (429, False)]
    assert "allow" in send(client, "PUT", "/v1/files").headers


def test_uploads_have_no_rate_limit(client: Client) -> None:
    """Uploads have no rate limit [docs], and no headers about one."""
    assert "x-ratelimit-limit" not in client.upload().headers


@pytest.mark.parametrize("path", ["/v1/files", "/emulator/missing.jpg", "/api/v2/files/upload"])
def test_pages_can_read_the_headers(client: Client, path: str) -> None:
    """Pages of any origin can read the headers of a response."""
    exposed = client.http.get(client.emulator.url + path).headers["access-control-expose-headers"].split(", ")
    assert {"x-ik-requestid", "x-request-id", "x-ratelimit-limit", "x-ratelimit-reset", "etag"} <= {*exposed}


def test_etag_of_json(client: Client) -> None:
    """JSON has a weak ETag of its length and its hash, in the service's form."""
    reply = client.upload()
    digest = base64.b64encode(hashlib.sha1(reply.content, usedforsecurity=False).digest()).decode()[:27]
    assert reply.headers["etag"] == f'W/"{len(reply.content):x}-{digest}"'


def test_etag_of_a_file(client: Client) -> None:
    """A delivered file has one ETag."""
    url = client.upload(picture(), fileName="a.jpg").json()["url"]
    assert len(client.http.get(url).headers.get_list("etag")) == 1
