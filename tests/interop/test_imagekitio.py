"""The official Python SDK against the emulator: a client that nobody here wrote."""

from __future__ import annotations

from typing import TYPE_CHECKING

import imagekitio
import pytest
from imagekitio import ImageKit, Omit

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from ikpipe.emulator import Emulator

FIELDS = {"file_name": "猫.png", "folder": "/sdk", "tags": "a,b", "use_unique_file_name": "false"}
BOTH = "Your request contains both token and basic auth parameter"


def send(emulator: Emulator, content: bytes, **headers: Any) -> Any:
    """Upload with the SDK and a token of ours."""
    token = ikpipe.sign(FIELDS, emulator.account)
    with ImageKit(private_key=emulator.private_key, password="", base_url=emulator.url, max_retries=0) as client:
        return client.beta.v2.files.upload(
            file=("猫.png", content),
            file_name="猫.png",
            folder="/sdk",
            tags=["a", "b"],
            use_unique_file_name=False,
            token=token,
            extra_headers=headers,
        )


def test_the_sdk_uploads_with_a_token_of_ours(emulator: Emulator, picture: Callable[..., bytes]) -> None:
    """With its Authorization header left out, the SDK's own form and our token are answered with the file's details."""
    response = send(emulator, picture(), Authorization=Omit())
    assert (response.name, response.file_path, response.width) == ("猫.png", "/sdk/猫.png", 4)
    assert response.tags == ["a", "b"]


def test_the_sdk_as_it_comes_is_refused(emulator: Emulator, picture: Callable[..., bytes]) -> None:
    """As it comes, the SDK sends basic auth beside the token, which the service refuses (spec)."""
    with pytest.raises(imagekitio.BadRequestError, match=BOTH):
        send(emulator, picture())


def test_the_sdk_finds_what_the_client_uploaded(emulator: Emulator, picture: Callable[..., bytes]) -> None:
    """The SDK reads the details of a file that ikpipe uploaded, and they agree."""
    result = ikpipe.upload_file(picture(7), emulator.account, file_name="ours.png", tags=["x"])
    with ImageKit(private_key=emulator.private_key, password="", base_url=emulator.url, max_retries=0) as client:
        details = client.files.get(str(result.file_id))
    assert (details.name, details.url, details.size) == (result.name, result.url, result.size)


def test_the_sdk_purges(emulator: Emulator) -> None:
    """The SDK orders an address to be forgotten, and asks after its order."""
    with ImageKit(private_key=emulator.private_key, password="", base_url=emulator.url, max_retries=0) as client:
        order = client.cache.invalidation.create(url=f"{emulator.url_endpoint}/a.jpg")
        assert client.cache.invalidation.get(str(order.request_id)).status == "Completed"


def test_the_sdk_s_own_bulk_calls_and_ours_meet(emulator: Emulator, picture: Callable[..., bytes]) -> None:
    """What the SDK tags, ikpipe finds; what ikpipe deletes, the SDK finds no more."""
    stored = [ikpipe.upload_file(picture(n), emulator.account, file_name="bulk.png", folder="/bulk") for n in (1, 2)]
    with ImageKit(private_key=emulator.private_key, password="", base_url=emulator.url, max_retries=0) as client:
        client.files.bulk.add_tags(file_ids=[str(one.file_id) for one in stored], tags=["met"])
        found = ikpipe.files(emulator.account, path="/bulk", search='tags IN ["met"]')
        assert ikpipe.delete(found, emulator.account, dry_run=False)["ik_change"].tolist() == ["done", "done"]
        with pytest.raises(imagekitio.NotFoundError):
            client.files.get(str(stored[0].file_id))
