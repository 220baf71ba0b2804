"""The account's settings: origins, URL-endpoints, saved extensions and named transformations."""

from __future__ import annotations

import io
import json
from typing import TYPE_CHECKING, Any

import pytest
from emulator_client import Client, picture, refused
from PIL import Image

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

ORIGINS, ENDPOINTS = "/v1/accounts/origins", "/v1/accounts/url-endpoints"
EXTENSIONS, NAMED, WEBHOOKS = "/v1/saved-extensions", "/v1/named-transformations", "/v1/accounts/webhooks"
CHANGES = {ORIGINS: "PUT", ENDPOINTS: "PUT"}
"""The methods that change a setting, where that is not `PATCH`."""
SECRET = "a secret that nobody may read"
KEYS = {"accessKey": SECRET, "secretKey": SECRET}
TASKS = {"name": "ai-tasks", "tasks": [{"type": "select_tags", "instruction": "?", "vocabulary": ["shirt", "dress"]}]}
SETTINGS: dict[str, dict[str, Any]] = {
    ORIGINS: {"type": "WEB_PROXY", "name": "Proxy"},
    ENDPOINTS: {"description": "Shop"},
    EXTENSIONS: {"name": "Clothes", "description": "Finds clothes", "config": TASKS},
    NAMED: {"name": "small", "transformation": "w-5"},
    WEBHOOKS: {"endpoint": "https://shop.example/hook", "events": ["file.created", "folder.deleted"]},
}
"""A valid setting of each kind."""


def make(client: Client, path: str, **values: Any) -> dict[str, Any]:
    """Create a setting."""
    reply = client.api("POST", path, json=SETTINGS[path] | values)
    assert reply.status_code == 201, reply.text
    return reply.json()


@pytest.mark.parametrize("path", SETTINGS)
def test_a_setting_is_created_listed_and_deleted(start: Callable[..., Client], path: str) -> None:
    """A new setting has an id, is in the list and under its id, and is gone after its deletion."""
    client = start()
    before = client.api("GET", path).json()
    made = make(client, path)
    assert made.items() >= SETTINGS[path].items()
    assert client.api("GET", path).json() == [*before, made]
    assert client.api("GET", f"{path}/{made['id']}").json() == made
    assert (client.api("DELETE", f"{path}/{made['id']}").status_code, client.api("GET", path).json()) == (204, before)


@pytest.mark.parametrize("path", SETTINGS)
@pytest.mark.parametrize("method", ["GET", "CHANGE", "DELETE"])
def test_a_setting_that_does_not_exist(client: Client, path: str, method: str) -> None:
    """An unknown id is a 404."""
    change = CHANGES.get(path, "PATCH")
    reply = client.api(change if method == "CHANGE" else method, f"{path}/unknown", json=SETTINGS[path])
    assert (reply.status_code, reply.json()["message"].startswith("The requested ")) == (404, True)


def test_settings_survive_a_restart(start: Callable[..., Client], tmp_path: Path) -> None:
    """Settings are kept in the folder, in their order, and changes of them."""
    client = start(tmp_path)
    for path in SETTINGS:
        make(client, path)
    make(client, NAMED, name="second")
    changed = client.api("PATCH", f"{NAMED}/{client.api('GET', NAMED).json()[0]['id']}", json={"enabled": False}).json()
    lists = {path: client.api("GET", path).json() for path in SETTINGS}
    client.emulator.__exit__(None, None, None)
    again = start(tmp_path)
    assert {path: again.api("GET", path).json() for path in SETTINGS} == lists
    assert lists[NAMED][0] == changed


@pytest.mark.parametrize("path", SETTINGS)
@pytest.mark.parametrize(
    "body", [None, [], "x", 1, {}, {"name": 5}, {"description": None}, {"type": ["S3"]}, {"\ud800": 1}]
)
def test_a_setting_that_can_not_be(client: Client, path: str, body: object) -> None:
    """A body of another form is a 400 in JSON."""
    content = json.dumps(body).encode()
    for method, where in (("POST", path), (CHANGES.get(path, "PATCH"), f"{path}/default")):
        status, message = refused(client.api(method, where, content=content))
        assert (status, bool(message)) in {(400, True), (404, True)}


# Origins


@pytest.mark.parametrize(
    ("origin", "shown"),
    [
        ({"type": "S3", "bucket": "b", **KEYS}, {"bucket": "b", "prefix": "", "useIAMRole": False}),
        (
            {"type": "S3", "bucket": "b", "accessKey": "", "secretKey": "", "useIAMRole": True, "prefix": "a/b"},
            {"bucket": "b", "prefix": "a/b", "useIAMRole": True},
        ),
        (
            {
                "type": "S3_COMPATIBLE",
                "bucket": "b",
                "endpoint": "https://s3.example",
                "s3ForcePathStyle": True,
                **KEYS,
            },
            {"bucket": "b", "endpoint": "https://s3.example", "prefix": "", "s3ForcePathStyle": True},
        ),
        ({"type": "CLOUDINARY_BACKUP", "bucket": "b", **KEYS}, {"bucket": "b", "prefix": "", "useIAMRole": False}),
        (
            {"type": "WEB_FOLDER", "baseUrl": "https://a.example"},
            {"baseUrl": "https://a.example", "forwardHostHeaderToOrigin": False},
        ),
        (
            {"type": "WEB_PROXY", "includeCanonicalHeader": True, "baseUrlForCanonicalHeader": "https://a.example"},
            {"includeCanonicalHeader": True, "baseUrlForCanonicalHeader": "https://a.example"},
        ),
        (
            {"type": "GCS", "bucket": "b", "clientEmail": "a@b.example", "privateKey": SECRET},
            {"bucket": "b", "clientEmail": "a@b.example", "prefix": ""},
        ),
        (
            {"type": "AZURE_BLOB", "accountName": "a", "container": "c", "sasToken": SECRET},
            {"accountName": "a", "container": "c", "prefix": ""},
        ),
        (
            {
                "type": "AKENEO_PIM",
                "baseUrl": "https://a.example",
                **dict.fromkeys(("clientId", "clientSecret", "username", "password"), SECRET),
            },
            {"baseUrl": "https://a.example"},
        ),
    ],
    ids=lambda value: value.get("type", ""),
)
def test_origin(start: Callable[..., Client], tmp_path: Path, origin: dict[str, Any], shown: dict[str, Any]) -> None:
    """Each type has its properties [sdk], and its secrets are in no response and no file."""
    client = start(tmp_path)
    made = make(client, ORIGINS, **origin)
    common = {"id": made["id"], "type": origin["type"], "name": "Proxy", "includeCanonicalHeader": False}
    assert made == common | shown
    assert client.api("PUT", f"{ORIGINS}/{made['id']}", json={"name": "Proxy", **origin}).json() == made
    assert [path for path in tmp_path.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()] == []
    assert SECRET not in json.dumps(client.emulator.log())


@pytest.mark.parametrize(
    ("origin", "parameter"),
    [
        ({"type": "FTP"}, "type"),
        ({"type": "S3", "bucket": "b"}, "accessKey"),
        ({"type": "S3", "bucket": "b", "accessKey": "", "secretKey": ""}, "accessKey"),
        ({"type": "S3", "bucket": 5, **KEYS}, "bucket"),
        ({"type": "S3_COMPATIBLE", "bucket": "b", "endpoint": "s3", **KEYS}, "endpoint"),
        ({"type": "WEB_FOLDER", "baseUrl": "ftp://a"}, "baseUrl"),
        ({"type": "WEB_PROXY", "bucket": "b"}, "bucket"),
        ({"type": "WEB_PROXY", "includeCanonicalHeader": "yes"}, "includeCanonicalHeader"),
        ({"type": "WEB_PROXY", "baseUrlForCanonicalHeader": ""}, "baseUrlForCanonicalHeader"),
        ({"type": "WEB_PROXY", "name": ""}, "name"),
    ],
    ids=str,
)
def test_origin_that_can_not_be(client: Client, origin: dict[str, Any], parameter: str) -> None:
    """A missing, unknown or invalid property is a 400 that names it, and repeats no secret."""
    status, message = refused(client.api("POST", ORIGINS, json={"name": "a", **origin}))
    assert (status, f" {parameter} parameter" in message, SECRET in message) == (400, True, False)


# URL-endpoints


def test_the_default_endpoint(start: Callable[..., Client]) -> None:
    """Each account has a default endpoint, which can be changed but not deleted, and has no prefix."""
    client = start()
    assert [(e["id"], e["urlPrefix"]) for e in client.api("GET", ENDPOINTS).json()] == [("default", "")]
    path = f"{ENDPOINTS}/default"
    assert client.api("DELETE", path).status_code == 400
    assert client.api("PUT", path, json={"description": "a", "urlPrefix": "b"}).status_code == 400
    changed = client.api("PUT", path, json={"description": "Mine"}).json()
    assert client.api("GET", ENDPOINTS).json() == [changed]
    assert changed == {"id": "default", "description": "Mine", "origins": [], "urlPrefix": ""}


def test_origin_that_an_endpoint_uses(start: Callable[..., Client]) -> None:
    """An endpoint refers to origins that exist; one in use cannot be deleted [spec]."""
    client = start()
    origin = make(client, ORIGINS)["id"]
    assert client.api("POST", ENDPOINTS, json={"description": "a", "origins": ["unknown"]}).status_code == 400
    endpoint = make(client, ENDPOINTS, origins=[origin])
    assert client.api("DELETE", f"{ORIGINS}/{origin}").status_code == 409
    client.api("DELETE", f"{ENDPOINTS}/{endpoint['id']}")
    assert client.api("DELETE", f"{ORIGINS}/{origin}").status_code == 204


def test_prefix_of_an_endpoint(start: Callable[..., Client]) -> None:
    """A prefix is unique, and files are delivered below it as well, also with a signature."""
    client = start()
    made = make(client, ENDPOINTS, urlPrefix="shop-1", urlRewriter={"type": "CLOUDINARY"})
    assert made["urlRewriter"] == {"type": "CLOUDINARY", "preserveAssetDeliveryTypes": False}
    assert client.api("POST", ENDPOINTS, json={"description": "b", "urlPrefix": "shop-1"}).status_code == 409
    client.fixed("a.bin", folder="/in")
    urls = [f"{client.emulator.url_endpoint}/{prefix}in/a.bin" for prefix in ("shop-1/", "", "shop-2/")]
    assert [client.http.get(url).status_code for url in urls] == [200, 200, 404]
    assert client.api("PUT", f"{ENDPOINTS}/{made['id']}", json=SETTINGS[ENDPOINTS] | {"urlPrefix": "shop-1"}).is_success


@pytest.mark.parametrize(
    "change",
    [{"urlPrefix": "a/b"}, {"urlPrefix": "ä"}, {"origins": "a"}, {"origins": [1]}, {"urlRewriter": {"type": "X"}}],
)
def test_endpoint_that_can_not_be(client: Client, change: dict[str, Any]) -> None:
    """An invalid property is a 400 that names it."""
    status, message = refused(client.api("POST", ENDPOINTS, json={"description": "a", **change}))
    assert (status, f"invalid {next(iter(change))} parameter" in message) == (400, True)


# Saved extensions


def test_an_upload_with_a_saved_extension(start: Callable[..., Client]) -> None:
    """An upload that names a saved extension runs its configuration, whose name its status has [sdk]."""
    client = start()
    saved = make(client, EXTENSIONS)
    reply = client.upload(extensions=json.dumps([{"name": "saved-extension", "id": saved["id"]}])).json()
    assert (reply["tags"], reply["extensionStatus"]) == (["shirt"], {"ai-tasks": "success"})


def test_a_change_with_a_saved_extension(start: Callable[..., Client]) -> None:
    """A change of a file's details can name a saved extension as well; an unknown one is a 400."""
    client = start()
    path = f"/v1/files/{client.upload().json()['fileId']}/details"
    extension = {"name": "saved-extension", "id": make(client, EXTENSIONS)["id"]}
    assert client.api("PATCH", path, json={"extensions": [extension]}).json()["tags"] == ["shirt"]
    assert client.api("PATCH", path, json={"extensions": [extension | {"id": "unknown"}]}).status_code == 400


def test_an_upload_with_a_saved_extension_that_fails(start: Callable[..., Client]) -> None:
    """Rules for extensions apply to the saved configuration."""
    client = start(extensions_failed=("ai-tasks",))
    saved = make(client, EXTENSIONS)
    reply = client.upload(extensions=json.dumps([{"name": "saved-extension", "id": saved["id"]}])).json()
    assert reply["extensionStatus"] == {"ai-tasks": "failed"}


@pytest.mark.parametrize("identifier", ["unknown", None, 5, ["a"], {}])
def test_an_upload_with_an_unknown_saved_extension(client: Client, identifier: object) -> None:
    """An unknown saved extension is a 400, and nothing is stored."""
    reply = client.upload(extensions=json.dumps([{"name": "saved-extension", "id": identifier}]))
    assert refused(reply)[1].startswith("Your request contains invalid extensions parameter.")
    assert client.emulator.log()[-1]["stored"] is False


def test_a_saved_extension_is_changed(start: Callable[..., Client]) -> None:
    """A change keeps what is not sent, and sets the time of the change."""
    client = start()
    saved = make(client, EXTENSIONS)
    changed = client.api("PATCH", f"{EXTENSIONS}/{saved['id']}", json={"name": "New"}).json()
    assert changed == saved | {"name": "New", "updatedAt": changed["updatedAt"]}


@pytest.mark.parametrize(
    "config",
    [
        {},
        "x",
        {"name": "unknown"},
        {"name": "ai-tasks"},
        {"name": "saved-extension", "id": "a"},
        {"name": ["remove-bg"]},
    ],
    ids=str,
)
def test_a_saved_extension_that_can_not_be(client: Client, config: object) -> None:
    """A configuration is an extension with its keys, and no reference to another one [spec]."""
    status, message = refused(client.api("POST", EXTENSIONS, json=SETTINGS[EXTENSIONS] | {"config": config}))
    assert (status, "invalid config parameter" in message) == (400, True)


# Named transformations


def test_a_named_transformation_is_delivered(start: Callable[..., Client]) -> None:
    """Delivery uses a named transformation as it is at the time; a disabled or deleted one is a 400."""
    client = start(named="large=w-19")
    url = client.upload(picture(), fileName="a.jpg").json()["url"]
    path = f"{NAMED}/{make(client, NAMED)['id']}"
    seen = [width(client, url)]
    for change in ({"transformation": "w-7"}, {"enabled": False}, {"enabled": True, "name": "other"}):
        client.api("PATCH", path, json=change)
        seen.append(width(client, url))
    assert seen == [5, 7, 400, 400]
    assert (width(client, url, "other"), width(client, url, "large")) == (7, 19)
    client.api("DELETE", path)
    assert width(client, url, "other") == 400


def width(client: Client, url: str, name: str = "small") -> int:
    """Return the width of an image with a named transformation, or the status of an error."""
    reply = client.http.get(url, params={"tr": f"n-{name}"})
    return Image.open(io.BytesIO(reply.content)).width if reply.is_success else reply.status_code


@pytest.mark.parametrize("name", ["small", "large", "media_library_thumbnail"])
def test_name_of_a_transformation_that_is_taken(start: Callable[..., Client], name: str) -> None:
    """A name is unique, also among those of the rule and the built-in ones; a transformation keeps its own."""
    client = start(named="large=w-19")
    made = make(client, NAMED)
    assert client.api("POST", NAMED, json={"name": name, "transformation": "w-1"}).status_code == 409
    assert client.api("PATCH", f"{NAMED}/{made['id']}", json={"name": "small"}).status_code == 200


@pytest.mark.parametrize(
    "change", [{"name": "a-b"}, {"name": ""}, {"transformation": ""}, {"enabled": 1}, {"other": 1}]
)
def test_named_transformation_that_can_not_be(client: Client, change: dict[str, Any]) -> None:
    """An invalid property is a 400 that names it."""
    status, message = refused(client.api("POST", NAMED, json=SETTINGS[NAMED] | change))
    assert (status, f"invalid {next(iter(change))} parameter" in message) == (400, True)


def test_the_largest_number_of_settings(start: Callable[..., Client]) -> None:
    """There are at most 100 saved extensions [spec]."""
    client = start()
    statuses = [client.api("POST", EXTENSIONS, json=SETTINGS[EXTENSIONS]).status_code for _ in range(101)]
    assert (statuses.count(201), statuses[-1]) == (100, 400)
