"""Changes of a file's details: `PATCH /v1/files/{id}/details`."""

from collections.abc import Callable, Mapping
from typing import Any

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.error_responses import invalid_parameter
from ikpipe.emulator.library import custom_fields
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.library.file_details import file_details
from ikpipe.emulator.library.file_events import update_file
from ikpipe.emulator.library.files import NO_FILE, find_file
from ikpipe.emulator.settings.saved_extensions import with_saved
from ikpipe.emulator.store import Details
from ikpipe.emulator.upload import parameters
from ikpipe.emulator.upload.extensions import ExtensionRunner
from ikpipe.emulator.upload.validators import take_extensions


def update_details(call: ApiCall) -> Response:
    """`PATCH /v1/files/{id}/details`: change the details of the current version, all that are sent or none [docs].

    AI tags are removed before extensions run [docs]; unknown keys are ignored, as in uploads [guess].
    """
    details = find_file(call, NO_FILE)
    body = call.body if isinstance(call.body, dict) else {}
    for name, change in CHANGES.items():
        if name in body:
            details = details | change(body[name], details, call)
    webhook_url = parameters.webhook_url(_text("webhookUrl", body.get("webhookUrl")) or "")
    details, statuses = _run_extensions(call, details, body.get("extensions"), webhook_url)
    details = update_file(call.account, details)
    _publish_earlier(call, details, body.get("publish"))
    shown = file_details(details, call.account.endpoint)
    return JSONResponse(shown | ({"extensionStatus": statuses} if statuses else {}))


def _run_extensions(
    call: ApiCall, details: Details, value: object, webhook_url: str | None
) -> tuple[Details, dict[str, str]]:
    extensions = with_saved(call.store, parameters.check_extensions([] if value is None else value))
    take_extensions(call.account, len(extensions))
    runner = ExtensionRunner(call.account)
    runner.finish_later(details, extensions, webhook_url)
    return runner.begin(details, extensions)


def _publish_earlier(call: ApiCall, details: Details, publish: Any) -> None:
    """Publish or unpublish the earlier versions as well, if the request says so [spec]."""
    if publish is not None and publish.get("includeFileVersions"):
        for earlier in call.store.files.earlier(details["fileId"]):
            call.store.files.update_version(earlier | {"isPublished": details["isPublished"]})


# The changes: each returns the details that it changes


def _text(name: str, value: object) -> str | None:
    if value is not None and not isinstance(value, str):
        raise invalid_parameter(name, "It must be a string or null.")
    return value


def _tags(value: object, _details: Details, _call: ApiCall) -> Details:
    return {"tags": parameters.check_tags([] if value is None else value) or None}


def _remove_ai_tags(value: object, details: Details, _call: ApiCall) -> Details:
    if value == "all":
        return {"AITags": None}
    if not isinstance(value, list):
        raise invalid_parameter("removeAITags", 'It must be an array of strings, or "all".')
    return without_ai_tags(details, value)


def without_ai_tags(details: Details, names: list[str]) -> Details:
    """Return the AI tags of a file without those that have one of the names."""
    return {"AITags": [tag for tag in details["AITags"] or [] if tag["name"] not in names] or None}


def _coordinates(value: object, _details: Details, _call: ApiCall) -> Details:
    return {"customCoordinates": parameters.coordinates(_text("customCoordinates", value) or "")}


def _description(value: object, _details: Details, _call: ApiCall) -> Details:
    return {"description": _text("description", value) or None}


def _metadata(value: object, details: Details, call: ApiCall) -> Details:
    """Change the values that are sent; null removes one [docs], and in place of the object all of them [guess]."""
    old = details["customMetadata"]
    changes = dict.fromkeys(old) if value is None else value
    if not isinstance(changes, dict):
        raise invalid_parameter("customMetadata", "It must be an object or null.")
    custom_fields.check_changes(changes, old, call.store.fields.all())
    return {"customMetadata": {name: new for name, new in (old | changes).items() if new is not None}}


def _publish(value: object, _details: Details, call: ApiCall) -> Details:
    if not isinstance(value, dict) or not isinstance(value.get("isPublished"), bool):
        raise invalid_parameter("publish", "It must be an object in which isPublished is true or false.")
    if not isinstance(value.get("includeFileVersions", False), bool):
        raise invalid_parameter("publish", "includeFileVersions must be true or false.")
    parameters.check_published(value["isPublished"], call.account.rules)
    return {"isPublished": value["isPublished"]}


CHANGES: Mapping[str, Callable[[object, Details, ApiCall], Details]] = {
    "tags": _tags,
    "removeAITags": _remove_ai_tags,
    "customCoordinates": _coordinates,
    "customMetadata": _metadata,
    "description": _description,
    "publish": _publish,
}
"""The parameters that change details [spec]; `extensions` run after them."""

ROUTES = [ApiRoute("PATCH", "/v1/files/{id}/details", update_details)]
