"""Files at their addresses: as they were uploaded, or transformed; and who may have them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.responses import FileResponse, PlainTextResponse, Response

from ikpipe.emulator import signing
from ikpipe.emulator.delivery import grammar
from ikpipe.emulator.delivery.grammar import BadTransformationError, Chain
from ikpipe.emulator.delivery.render import RenderRequest as Wishes
from ikpipe.emulator.delivery.render import transform
from ikpipe.emulator.refusals import Refusal

if TYPE_CHECKING:
    from starlette.datastructures import Headers
    from starlette.requests import Request
    from starlette.types import Scope

    from ikpipe.emulator.account import EmulatedAccount
    from ikpipe.emulator.delivery.geometry import Box
    from ikpipe.emulator.store import Details

NOT_FOUND = "Not Found"
BAD_TRANSFORMATION = "Bad Image Transformation Request"
"""The service's words for a transformation that it does not carry out (`docs`)."""
UNSIGNED = "Unauthorized"
_CODES = {404: "ENOENT", 400: "UNIDENTIFIED", 401: "EACCES", 403: "EACCES"}
"""What the header `ik-error` begins with (`docs` for 404; `guess` for the others)."""
_HINTS = {"width": ("sec-ch-width", "width"), "dpr": ("sec-ch-dpr", "dpr")}
_TRANSFORMATION = "tr:"


@dataclass(frozen=True, slots=True)
class DeliveryPath:
    """What is asked for, taken from a request's path and query."""

    path: str
    transformation: str
    signed: str
    """What a signature is of: all below `urlEndpoint/`, as it was sent."""
    signature: str | None
    expiry: str | None
    attachment: bool


def read_address(scope: Scope) -> DeliveryPath:
    """Take an address apart: the transformation is one of the path's segments, or the parameter `tr` (`docs`).

    Where there are both, the path's comes first (`guess`).
    """
    raw = (scope.get("raw_path") or scope["path"].encode()).decode("latin-1").split("/", 2)[2]
    segments = [unquote(segment) for segment in raw.split("/")]
    query = [pair for pair in scope["query_string"].decode("latin-1").split("&") if pair]
    given = {name: unquote(value) for name, _, value in (pair.partition("=") for pair in query)}
    signed = [pair for pair in query if not pair.startswith(("ik-s=", "ik-t="))]
    chains = [segment.removeprefix(_TRANSFORMATION) for segment in segments if segment.startswith(_TRANSFORMATION)]
    chains += [given["tr"]] if given.get("tr") else []
    return DeliveryPath(
        path="/" + "/".join(segment for segment in segments if not segment.startswith(_TRANSFORMATION)),
        transformation=":".join(chains),
        signed="?".join([raw, "&".join(signed)] if signed else [raw]),
        signature=given.get("ik-s"),
        expiry=given.get("ik-t"),
        attachment=given.get("ik-attachment") == "true",
    )


class Delivery:
    """Delivers the files of one account."""

    def __init__(self, account: EmulatedAccount) -> None:
        self._account = account
        self._named = account.rules.named_transformations

    async def deliver(self, request: Request) -> Response:
        """Answer a request for a file; an error is text, and says more in the header `ik-error` (`docs`)."""
        try:
            return await self._deliver(read_address(request.scope), request.headers)
        except (Refusal, BadTransformationError) as error:
            refusal = error if isinstance(error, Refusal) else Refusal(400, BAD_TRANSFORMATION)
            why = refusal.message if refusal is error else f"{BAD_TRANSFORMATION}: {error}"
            request.scope["entry"]["message"] = why
            return self._turn_down(refusal, why)

    def _turn_down(self, refusal: Refusal, why: str) -> Response:
        code = _CODES.get(refusal.status, "UNIDENTIFIED")
        # a header has no room for other scripts
        plain = why.encode("ascii", "replace").decode()
        return PlainTextResponse(refusal.message, refusal.status, {"ik-error": f"{code} - {plain}"})

    async def _deliver(self, address: DeliveryPath, headers: Headers) -> Response:
        chain = grammar.read(address.transformation, self._named)
        details = self._find(address.path, chain)
        self._check_access(address, chain, details)
        self._check_transformation(chain)
        if self._account.rules.auto_format and not chain.get("f"):
            chain.steps.append({"f": "auto"})
        if not chain.steps or chain.get("orig") == "true" or not _is_picture(details):
            return self._original(address, chain, details)
        return await self._derived(address, chain, details, headers)

    def _find(self, path: str, chain: Chain) -> Details:
        """Find a published file (`seed`: drafts can not be accessed), or the default image of the transformation."""
        details = self._at(path)
        if details is None and (default := chain.get("di")):
            details = self._at("/" + default.replace("@@", "/").lstrip("/"))
        if details is None:
            raise Refusal(404, NOT_FOUND)
        if details["fileType"] != "image" and chain.thumbnail:
            raise Refusal(404, NOT_FOUND)
        return details

    def _at(self, path: str) -> Details | None:
        folder, slash, name = path.rpartition("/")
        details = self._account.store.at(folder + slash, name)
        return details if details is not None and details["isPublished"] else None

    def _check_access(self, address: DeliveryPath, chain: Chain, details: Details) -> None:
        """Ask for a signature where one is needed, and refuse one that does not hold (`docs`: 401)."""
        rules = self._account.rules
        private = details["isPrivateFile"] and (rules.private_files == "all" or details["fileType"] == "image")
        needed = rules.restrict_unsigned or (private and not chain.named)
        if address.signature is None:
            if needed:
                raise Refusal(rules.unsigned_status, UNSIGNED)
            return
        holds = signing.address_holds(
            self._account.keys.private, address.signed, address.expiry, address.signature, self._account.clock()
        )
        if not holds and (needed or rules.bad_signature == "refuse"):
            raise Refusal(401, UNSIGNED)

    def _check_transformation(self, chain: Chain) -> None:
        rules = self._account.rules
        if chain.ignored and rules.unknown_steps == "refuse":
            raise BadTransformationError(f"not understood: {', '.join(chain.ignored)}")
        if rules.restrict_unnamed and (chain.steps or chain.ignored) and not chain.named:
            raise BadTransformationError("only named transformations are allowed")

    def _original(self, address: DeliveryPath, chain: Chain, details: Details) -> Response:
        return FileResponse(
            self._account.store.bytes_of(details["versionInfo"]["id"]),
            media_type=details.get("mime", "application/octet-stream"),
            filename=details["name"] if address.attachment else None,
            headers=_ignored(chain),
        )

    async def _derived(self, address: DeliveryPath, chain: Chain, details: Details, headers: Headers) -> Response:
        path = self._account.store.bytes_of(details["versionInfo"]["id"])
        wishes = Wishes(headers.get("accept", ""), _hints(headers))
        content, mime = await run_in_threadpool(transform, path, details["size"], chain, wishes, _custom(details))
        response = Response(content, media_type=mime, headers=_ignored(chain) | {"Vary": "Accept"})
        if address.attachment:
            # Starlette alone knows how names of other scripts are written there
            named = FileResponse(path, filename=details["name"])
            response.headers["content-disposition"] = named.headers["content-disposition"]
        return response


def _is_picture(details: Details) -> bool:
    """Tell what can be transformed here: videos, drawings and all others are delivered as they are."""
    return details["fileType"] == "image" and details.get("mime") != "image/svg+xml"


def _ignored(chain: Chain) -> dict[str, str]:
    """Say what of a transformation was not carried out; the service has no such header."""
    plain = ",".join(chain.ignored).encode("ascii", "replace").decode()
    return {"x-emulator-ignored": re.sub(r"[^ -~]", "?", plain)} if plain else {}


def _hints(headers: Headers) -> dict[str, float]:
    """Read the client's hints (`docs`), newer names first."""
    found = {}
    for hint, names in _HINTS.items():
        text = next((headers[name] for name in names if name in headers), "")
        if re.fullmatch(r"\d{1,5}(\.\d{1,3})?", text, re.ASCII) and float(text) > 0:
            found[hint] = float(text)
    return found


def _custom(details: Details) -> Box | None:
    text = details.get("customCoordinates")
    if not text:
        return None
    left, top, width, height = (int(number) for number in text.split(","))
    return left, top, left + width, top + height
