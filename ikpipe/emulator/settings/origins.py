"""Origins: external storages that the service reads files from; the emulator keeps them, and reads none."""

from typing import NamedTuple

from ikpipe.emulator.error_responses import ErrorResponse, invalid_parameter
from ikpipe.emulator.library.calls import ApiCall
from ikpipe.emulator.library.request_body import optional
from ikpipe.emulator.settings.collection import Collection
from ikpipe.emulator.settings.properties import ABSENT, Property, flag, read_properties, text, url
from ikpipe.emulator.store.settings import URL_ENDPOINTS, Setting

PATH = "/v1/accounts/origins"


class OriginType(NamedTuple):
    """The properties of a type of origin besides the common ones, and those that are secrets [sdk]."""

    properties: dict[str, Property]
    secrets: tuple[str, ...] = ()


_AWS_KEYS = ("accessKey", "secretKey")
_AWS = OriginType({"bucket": text(), "prefix": text(""), "useIAMRole": flag(default=False)}, _AWS_KEYS)
TYPES = {
    "S3": _AWS,
    "S3_COMPATIBLE": OriginType(
        {"bucket": text(), "endpoint": url(), "prefix": text(""), "s3ForcePathStyle": flag(default=False)}, _AWS_KEYS
    ),
    "CLOUDINARY_BACKUP": _AWS,
    "WEB_FOLDER": OriginType({"baseUrl": url(), "forwardHostHeaderToOrigin": flag(default=False)}),
    "WEB_PROXY": OriginType({}),
    "GCS": OriginType({"bucket": text(), "clientEmail": text(), "prefix": text("")}, ("privateKey",)),
    "AZURE_BLOB": OriginType({"accountName": text(), "container": text(), "prefix": text("")}, ("sasToken",)),
    "AKENEO_PIM": OriginType({"baseUrl": url()}, ("clientId", "clientSecret", "username", "password")),
}
"""The types of origin [sdk]."""


def _read(call: ApiCall, _old: Setting | None) -> Setting:
    """Return an origin without its secrets, which no response shows [spec] and nothing uses."""
    kind = optional(call.body, "type")
    if not isinstance(kind, str) or kind not in TYPES:
        raise invalid_parameter("type", f"It must be one of {', '.join(TYPES)}.")
    properties, secrets = TYPES[kind]
    # with an IAM role, both keys are empty [spec]
    secret = text("" if optional(call.body, "useIAMRole") is True and "useIAMRole" in properties else None)
    common = {
        "type": text(),
        "name": text(),
        "includeCanonicalHeader": flag(default=False),
        "baseUrlForCanonicalHeader": url(ABSENT),
    }
    origin = read_properties(call.body, {**common, **properties, **dict.fromkeys(secrets, secret)}, None)
    return {name: value for name, value in origin.items() if name not in secrets}


def _check_unused(call: ApiCall, origin: Setting) -> None:
    """Reject the deletion of an origin that a URL-endpoint uses [spec; guess for status and message]."""
    if any(origin["id"] in endpoint["origins"] for endpoint in call.store.settings.all(URL_ENDPOINTS)):
        raise ErrorResponse(409, "The origin is in use by a URL-endpoint.")


ORIGINS = Collection(PATH, "origin", _read, "PUT", check_deletion=_check_unused)
ROUTES = ORIGINS.routes()
