"""A call of the media library API: what a handler gets, and how a route names its handler."""

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.store import Store

_ID = re.compile("[0-9a-f]{24}")


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One authenticated request; `body` is its parsed JSON, None without one."""

    account: EmulatedAccount
    request: Request
    body: Any

    @property
    def store(self) -> Store:
        """The account's data."""
        return self.account.store

    @property
    def query(self) -> QueryParams:
        """The parameters in the URL's query."""
        return self.request.query_params

    def id(self, name: str = "id", parameter: str = "fileId") -> str:
        """Return an id of the path; raise `ErrorResponse` (400) if it is malformed [recorded]."""
        text = self.path(name)
        if not _ID.fullmatch(text):
            raise ErrorResponse(400, f"Your request contains invalid {parameter} parameter.")
        return text

    def path(self, name: str) -> str:
        """Return a parameter of the path, such as `id` of `/v1/files/{id}`."""
        return str(self.request.path_params[name])


class ApiRoute(NamedTuple):
    """A method and path with their handler, which may be asynchronous; one that does not await is atomic."""

    method: str
    path: str
    handler: Callable[[ApiCall], Response | Awaitable[Response]]
