"""Named transformations, which delivery URLs use as `n-name`, in addition to those of the rule `named`."""

import re

from ikpipe.emulator.delivery.transformation_parser import BUILT_IN
from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library.calls import ApiCall
from ikpipe.emulator.settings.collection import Collection
from ikpipe.emulator.settings.properties import Property, flag, read_properties, text
from ikpipe.emulator.store import timestamp
from ikpipe.emulator.store.settings import NAMED_TRANSFORMATIONS, Setting

MOST = 250
"""Maximum number of named transformations of an account [spec]."""
_NAME = re.compile("[A-Za-z0-9_]+")


def _is_name(value: object) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


PROPERTIES = {
    "name": Property(_is_name, "letters, digits and underscores"),
    "transformation": text(),
    "enabled": flag(default=True),
}


def _read(call: ApiCall, old: Setting | None) -> Setting:
    named = read_properties(call.body, PROPERTIES, old)
    others = [other["name"] for other in COLLECTION.all(call) if old is None or other["id"] != old["id"]]
    if named["name"] in {*others, *call.account.rules.named_transformations, *BUILT_IN}:
        raise ErrorResponse(409, "A named transformation with this name already exists.")
    return {**named, "createdAt": timestamp() if old is None else old["createdAt"]}


COLLECTION = Collection(NAMED_TRANSFORMATIONS, "named transformation", _read, "PATCH", MOST)
ROUTES = COLLECTION.routes()
