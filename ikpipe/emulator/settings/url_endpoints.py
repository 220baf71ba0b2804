"""URL-endpoints: prefixes of delivery URLs, and the origins that files are read from."""

import re

from ikpipe.emulator.error_responses import ErrorResponse, invalid_parameter
from ikpipe.emulator.library.calls import ApiCall
from ikpipe.emulator.settings.collection import Collection
from ikpipe.emulator.settings.origins import ORIGINS
from ikpipe.emulator.settings.properties import ABSENT, Property, flag, read_properties, text
from ikpipe.emulator.store.settings import URL_ENDPOINTS, Setting

DEFAULT_ID = "default"
"""The id of the endpoint that each account has [spec]."""
DEFAULT: Setting = {"id": DEFAULT_ID, "description": "The default URL-endpoint", "origins": [], "urlPrefix": ""}
_PREFIX = re.compile("[A-Za-z0-9-]*")
_REWRITERS: dict[str, dict[str, Property]] = {
    "CLOUDINARY": {"preserveAssetDeliveryTypes": flag(default=False)},
    "IMGIX": {},
    "AKAMAI": {},
}


def _is_prefix(value: object) -> bool:
    return isinstance(value, str) and _PREFIX.fullmatch(value) is not None


def _are_texts(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


PROPERTIES = {
    "description": text(),
    "origins": Property(_are_texts, "an array of ids of origins", ()),
    "urlPrefix": Property(_is_prefix, "letters, digits and hyphens", ""),
    "urlRewriter": Property(lambda value: isinstance(value, dict), "an object with a type", ABSENT),
}


def _read(call: ApiCall, old: Setting | None) -> Setting:
    endpoint = read_properties(call.body, PROPERTIES, None)
    endpoint["origins"] = [*endpoint["origins"]]
    known = {origin["id"] for origin in ORIGINS.all(call)}
    unknown = next((origin for origin in endpoint["origins"] if origin not in known), None)
    if unknown is not None:
        raise invalid_parameter("origins", f"There is no origin with the id {unknown}.")
    if "urlRewriter" in endpoint:
        endpoint["urlRewriter"] = _rewriter(endpoint["urlRewriter"])
    _check_prefix(call, endpoint["urlPrefix"], None if old is None else old["id"])
    return endpoint


def _rewriter(value: Setting) -> Setting:
    kind = value.get("type")
    if not isinstance(kind, str) or kind not in _REWRITERS:
        raise invalid_parameter("urlRewriter", f"Its type must be one of {', '.join(_REWRITERS)}.")
    return read_properties(value, {"type": text(), **_REWRITERS[kind]}, None)


def _check_prefix(call: ApiCall, prefix: str, identifier: str | None) -> None:
    """Reject a prefix of the default endpoint, which has none [spec], and one that is in use [guess]."""
    if prefix and identifier == DEFAULT_ID:
        raise invalid_parameter("urlPrefix", "The default URL-endpoint has no prefix.")
    others = [endpoint["urlPrefix"] for endpoint in ENDPOINTS.all(call) if endpoint["id"] != identifier]
    if prefix and prefix in others:
        raise ErrorResponse(409, "A URL-endpoint with this urlPrefix already exists.")


def _check_deletion(_call: ApiCall, endpoint: Setting) -> None:
    if endpoint["id"] == DEFAULT_ID:
        raise ErrorResponse(400, "You cannot delete the default URL-endpoint.")


ENDPOINTS = Collection(URL_ENDPOINTS, "URL-endpoint", _read, "PUT", check_deletion=_check_deletion, built_in=(DEFAULT,))
ROUTES = ENDPOINTS.routes()
