"""Lists, creates, shows, changes and deletes the settings of one kind."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from starlette.responses import JSONResponse, Response

from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.library.calls import ApiCall, ApiRoute
from ikpipe.emulator.store import new_id
from ikpipe.emulator.store.settings import Setting


def _any(_call: ApiCall, _setting: Setting) -> None:
    """Accept everything."""


@dataclass(frozen=True, slots=True)
class Collection:
    """The settings of one kind; `path` is that of its API, and `noun` what errors call one of them.

    `read` returns the setting in the body of a call, without its id; the second argument is the old one, if any.
    `change` is the method of changes: `PUT` replaces a setting, `PATCH` changes what is sent [spec]. `check_deletion`
    raises `ErrorResponse` for a setting that cannot be deleted. `built_in` are settings that exist from the start.
    """

    path: str
    noun: str
    read: Callable[[ApiCall, Setting | None], Setting]
    change: Literal["PUT", "PATCH"]
    most: int | None = None
    check_deletion: Callable[[ApiCall, Setting], None] = _any
    built_in: tuple[Setting, ...] = ()

    def all(self, call: ApiCall) -> list[Setting]:
        """Return all settings, those that are built in first."""
        stored = {setting["id"]: setting for setting in call.store.settings.all(self.path)}
        return [*({setting["id"]: setting for setting in self.built_in} | stored).values()]

    def routes(self) -> list[ApiRoute]:
        """Return the routes of the API."""
        one = f"{self.path}/{{id}}"
        return [
            ApiRoute("GET", self.path, self._list),
            ApiRoute("POST", self.path, self._create),
            ApiRoute("GET", one, self._show),
            ApiRoute(self.change, one, self._update),
            ApiRoute("DELETE", one, self._delete),
        ]

    def _list(self, call: ApiCall) -> Response:
        return JSONResponse(self.all(call))

    def _create(self, call: ApiCall) -> Response:
        if self.most is not None and len(self.all(call)) >= self.most:
            raise ErrorResponse(400, f"You cannot create more than {self.most} {self.noun}s.")
        setting = {"id": new_id(), **self.read(call, None)}
        call.store.settings.save(self.path, setting)
        return JSONResponse(setting, status_code=201)

    def _show(self, call: ApiCall) -> Response:
        return JSONResponse(self._find(call))

    def _update(self, call: ApiCall) -> Response:
        old = self._find(call)
        setting = {"id": old["id"], **self.read(call, old)}
        call.store.settings.save(self.path, setting)
        return JSONResponse(setting)

    def _delete(self, call: ApiCall) -> Response:
        setting = self._find(call)
        self.check_deletion(call, setting)
        call.store.settings.delete(self.path, setting["id"])
        return Response(status_code=204)

    def _find(self, call: ApiCall) -> Setting:
        found = next((setting for setting in self.all(call) if setting["id"] == call.path("id")), None)
        if found is None:
            raise ErrorResponse(404, f"The requested {self.noun} does not exist.")
        return found
