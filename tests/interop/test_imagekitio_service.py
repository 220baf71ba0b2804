"""The official Python SDK in its ordinary use, from upload to deletion, against the emulator."""

from __future__ import annotations

import time
import uuid
from io import BytesIO
from typing import TYPE_CHECKING, Any

import httpx
import imagekitio
import pytest
from imagekitio import ImageKit, types
from PIL import Image
from receiver import Receiver

from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture(scope="module")
def service() -> Iterator[Emulator]:
    """Run an emulator for this module alone."""
    with Emulator() as running:
        yield running


@pytest.fixture
def sdk(service: Emulator) -> Iterator[ImageKit]:
    """Make the SDK's client as its documentation does, but for the address."""
    with ImageKit(private_key=service.private_key, base_url=service.url, max_retries=0) as client:
        yield client


@pytest.fixture(params=["v1", "v2"])
def upload(request: pytest.FixtureRequest, sdk: ImageKit) -> Callable[..., Any]:
    """Give the SDK's upload, by either version."""
    return sdk.files.upload if request.param == "v1" else sdk.beta.v2.files.upload  # type: ignore[no-any-return]


def test_upload(upload: Callable[..., Any], picture: Callable[..., bytes]) -> None:
    """An upload with the private key is answered with the file's details, all parameters understood."""
    extensions = [{"name": "google-auto-tagging", "maxTags": 5, "minConfidence": 90}]
    answer = upload(
        file=("猫.png", picture()),
        file_name="猫.png",
        folder="/sdk",
        tags=["a", "b"],
        custom_coordinates="0,0,1,1",
        is_private_file=True,
        use_unique_file_name=False,
        response_fields=["tags", "customCoordinates", "isPrivateFile"],
        extensions=extensions,
        checks='"file.size" < 1mb',
        transformation={"post": [{"type": "transformation", "value": "w-2"}]},
        description="a cat",
    )
    assert (answer.name, answer.file_path, answer.width) == ("猫.png", "/sdk/猫.png", 4)
    assert (answer.tags, answer.custom_coordinates, answer.is_private_file) == (["a", "b"], "0,0,1,1", True)
    assert answer.extension_status.google_auto_tagging == "success"
    assert answer.ai_tags[0].source == "google-auto-tagging"


def test_refusals_are_its_errors(sdk: ImageKit, service: Emulator) -> None:
    """A refusal becomes the SDK's own error, under the status that the documents name."""
    with pytest.raises(imagekitio.BadRequestError, match="'checks' validation"):
        sdk.files.upload(file=b"x", file_name="a", checks='"file.size" > 1mb')
    with (
        ImageKit(private_key="private_other", base_url=service.url, max_retries=0) as stranger,
        pytest.raises(imagekitio.PermissionDeniedError, match="cannot be authenticated"),
    ):
        stranger.files.upload(file=b"x", file_name="a")


def test_library(upload: Callable[..., Any], sdk: ImageKit) -> None:
    """What it uploads it lists, looks up, tags and deletes."""
    folder = f"/{uuid.uuid4()}"
    ids = [upload(file=b"some bytes", file_name=f"{number}.bin", folder=folder).file_id for number in range(3)]
    assert [asset.file_id for asset in sdk.assets.list(path=folder)] == ids  # type: ignore[union-attr]
    assert sdk.files.get(ids[0]).size == 10
    sdk.files.bulk.add_tags(file_ids=ids[:2], tags=["new", "red"])
    sdk.files.bulk.remove_tags(file_ids=ids[:1], tags=["red"])
    assert [sdk.files.get(file_id).tags for file_id in ids] == [["new"], ["new", "red"], None]
    found = sdk.assets.list(path=folder, search_query='tags IN ["red"]')
    assert [asset.file_id for asset in found] == ids[1:2]  # type: ignore[union-attr]
    sdk.files.delete(ids[0])
    assert sdk.files.bulk.delete(file_ids=ids[1:]).successfully_deleted_file_ids == ids[1:]
    assert sdk.assets.list(path=folder) == []


def test_folders(sdk: ImageKit) -> None:
    """A folder that it makes takes files, and goes with them."""
    parent = str(uuid.uuid4())
    sdk.folders.create(folder_name="new", parent_folder_path=parent)
    sdk.files.upload(file=b"x", file_name="a", folder=f"/{parent}/new")
    sdk.folders.delete(folder_path=f"/{parent}/new/")
    assert sdk.assets.list(path=f"/{parent}/new") == []
    sdk.folders.delete(folder_path=parent)
    with pytest.raises(imagekitio.NotFoundError, match="No folder found"):
        sdk.folders.delete(folder_path=parent)


def test_copies_and_moves(sdk: ImageKit) -> None:
    """Files that it copies, moves and renames, alone or with their folder, are at their new paths."""
    root = f"/{uuid.uuid4()}"
    source = sdk.files.upload(file=b"x", file_name="a", folder=f"{root}/from", use_unique_file_name=False)
    sdk.files.copy(source_file_path=f"{root}/from/a", destination_path=f"{root}/copies", include_file_versions=True)
    sdk.files.move(source_file_path=f"{root}/from/a", destination_path=f"{root}/moved")
    purged = sdk.files.rename(file_path=f"{root}/moved/a", new_file_name="b", purge_cache=True)
    assert sdk.cache.invalidation.get(str(purged.purge_request_id)).status == "Completed"
    sdk.folders.copy(source_folder_path=f"{root}/copies", destination_path=f"{root}/all", include_versions=True)
    sdk.folders.move(source_folder_path=f"{root}/moved", destination_path=f"{root}/all")
    job = sdk.folders.rename(folder_path=f"{root}/all", new_folder_name="new", purge_cache=True)
    status = sdk.folders.job.get(job.job_id)
    assert (status.type, status.status, bool(status.purge_request_id)) == ("RENAME_FOLDER", "Completed", True)
    paths = {asset.file_path for asset in sdk.assets.list(search_query=f'path : "{root}"')}  # type: ignore[union-attr]
    assert paths == {f"{root}/copies/a", f"{root}/new/copies/a", f"{root}/new/moved/b"}
    assert sdk.files.get(str(source.file_id)).file_path == f"{root}/new/moved/b"
    with pytest.raises(imagekitio.NotFoundError, match="No file found with filePath"):
        sdk.files.copy(source_file_path=f"{root}/from/a", destination_path="/")
    with pytest.raises(imagekitio.NotFoundError, match="No files & folder found"):
        sdk.folders.copy(source_folder_path=f"{root}/moved", destination_path="/")


def test_events() -> None:
    """Webhooks about changes of files are its own types, and verified by it."""
    with (
        Receiver() as receiver,
        Emulator(webhook_url=receiver.url, webhook_events=("file*",)) as emulator,
        ImageKit(private_key=emulator.private_key, base_url=emulator.url, max_retries=0) as sdk,
    ):
        file = [sdk.files.upload(file=b"x", file_name="a", use_unique_file_name=False) for _ in range(2)][1]
        sdk.files.versions.delete(str(file.file_id), file_id=str(file.file_id))
        sdk.files.rename(file_path="/a", new_file_name="b")
        sdk.files.delete(str(file.file_id))
        events = [receiver.next() for _ in range(5)]
        unwrapped = [
            sdk.webhooks.unwrap(e.body.decode(), headers=e.headers, key=emulator.webhook_secret) for e in events
        ]
    assert {type(event) for event in unwrapped} == {
        types.FileCreateEvent,
        types.FileVersionCreateEvent,
        types.FileVersionDeleteEvent,
        types.FileUpdateEvent,
        types.FileDeleteEvent,
    }


def test_metadata_fields(sdk: ImageKit) -> None:
    """Fields that it makes take values, are changed, and go."""
    field = sdk.custom_metadata_fields.create(name="price", label="Price", schema={"type": "Number", "min_value": 0})
    answer = sdk.files.upload(
        file=b"x", file_name="a", custom_metadata={"price": 5}, response_fields=["customMetadata"]
    )
    assert answer.custom_metadata == {"price": 5}
    with pytest.raises(imagekitio.BadRequestError):
        sdk.files.upload(file=b"x", file_name="a", custom_metadata={"price": -1})
    assert sdk.custom_metadata_fields.update(field.id, label="Cost").label == "Cost"
    assert [each.name for each in sdk.custom_metadata_fields.list()] == ["price"]
    sdk.custom_metadata_fields.delete(field.id)
    assert sdk.custom_metadata_fields.list() == []


def test_its_signature_for_browsers(sdk: ImageKit, service: Emulator) -> None:
    """What its helper signs authorizes an upload by V1, once."""
    proof = sdk.helper.get_authentication_parameters(expire=int(time.time()) + 600)
    form = {**proof, "publicKey": service.public_key, "fileName": "browser.bin"}
    statuses = [
        httpx.post(f"{service.url}/api/v1/files/upload", data=form, files={"file": b"x"}).status_code for _ in range(2)
    ]
    assert statuses == [200, 400]


@pytest.mark.parametrize("position", ["path", "query"])
def test_its_urls(sdk: ImageKit, service: Emulator, position: Any) -> None:
    """A private picture is delivered at the URLs that it builds, transformed, for names of any script."""
    file = BytesIO()
    Image.new("RGB", (40, 20)).save(file, "PNG")
    answer = sdk.files.upload(file=("a", file.getvalue()), file_name="é ñ(1).png", folder="/ü", is_private_file=True)
    steps: list[Any] = [
        {"width": 20, "height": 20, "crop_mode": "pad_resize", "background": "FF0000"},
        {"rotation": 90, "width": 10},
    ]
    url = sdk.helper.build_url(
        url_endpoint=service.url_endpoint,
        src=str(answer.file_path),
        transformation=steps,
        transformation_position=position,
        query_parameters={"v": "1"},
        signed=True,
        expires_in=60,
    )
    reply = httpx.get(url)
    assert (reply.status_code, Image.open(BytesIO(reply.content)).size) == (200, (10, 10))
    assert "x-emulator-ignored" not in reply.headers
    assert httpx.get(url.replace("w-20", "w-30")).status_code == 401
