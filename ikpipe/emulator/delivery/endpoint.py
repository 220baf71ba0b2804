"""Delivers files at their URLs, as uploaded or transformed, to those who may access them."""

import asyncio
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import IO, NamedTuple
from urllib.parse import unquote

from starlette.concurrency import run_in_threadpool
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import FileResponse, PlainTextResponse, Response
from starlette.types import Scope

from ikpipe.emulator import signatures
from ikpipe.emulator.account import EmulatedAccount
from ikpipe.emulator.delivery import arithmetic
from ikpipe.emulator.delivery.layer_files import file_paths, find_files, find_published
from ikpipe.emulator.delivery.render import RenderRequest, render
from ikpipe.emulator.delivery.resize import Box
from ikpipe.emulator.delivery.transformation_parser import (
    BadTransformationError,
    Chain,
    Step,
    library_path,
    parse_transformation,
)
from ikpipe.emulator.error_responses import ErrorResponse
from ikpipe.emulator.media.video_frame import INSTALL, DecoderMissingError, FrameError, extract_frame
from ikpipe.emulator.store import Details

BAD_TRANSFORMATION = "Bad Image Transformation Request"
"""The service's message for a transformation that is not possible [docs]."""
_CODES = {404: "ENOENT", 400: "UNIDENTIFIED", 401: "EACCES", 403: "EACCES"}
"""The code in the header `ik-error` [docs for 404; guess for the others]."""
_HINTS = {"width": ("sec-ch-width", "width"), "dpr": ("sec-ch-dpr", "dpr")}
_TRANSFORMATION = "tr:"
_THUMBNAIL = "/ik-thumbnail.jpg"
"""What follows the path of a video, or of an animation, in the URL of its thumbnail [docs]."""
_DECODERS = 2
"""Maximum number of videos that are decoded at once."""


class _Target(NamedTuple):
    """The file that a URL names, and whether the URL is that of its thumbnail."""

    details: Details
    thumbnail: bool


@dataclass(frozen=True, slots=True)
class DeliveryPath:
    """A delivery URL, parsed."""

    path: str
    transformation: str
    signed: str
    """What a signature covers: everything after `urlEndpoint/`, as it was sent."""
    signature: str | None
    expiry: str | None
    attachment: bool
    version: str | None
    """The id of an earlier version."""


def parse_url(scope: Scope, prefixes: Collection[str] = ()) -> DeliveryPath:
    """Parse a delivery URL, whose transformation is a segment of the path or the query parameter `tr` [docs].

    With both, that of the path comes first [guess]. The path of a file may follow one of the `prefixes`.
    """
    raw = scope["raw_path"].decode("latin-1").split("/", 2)[2]
    if raw.partition("/")[0] in prefixes:
        raw = raw.partition("/")[2]
    segments = [unquote(segment) for segment in raw.split("/")]
    query = [pair for pair in scope["query_string"].decode("latin-1").split("&") if pair]
    values = {name: unquote(value) for name, _, value in (pair.partition("=") for pair in query)}
    signed = [pair for pair in query if not pair.startswith(("ik-s=", "ik-t="))]
    chains = [segment.removeprefix(_TRANSFORMATION) for segment in segments if segment.startswith(_TRANSFORMATION)]
    return DeliveryPath(
        path="/" + "/".join(segment for segment in segments if not segment.startswith(_TRANSFORMATION)),
        transformation=":".join(filter(None, [*chains, values.get("tr")])),
        signed="?".join([raw, "&".join(signed)] if signed else [raw]),
        signature=values.get("ik-s"),
        expiry=values.get("ik-t"),
        attachment=values.get("ik-attachment") == "true",
        version=values.get("ik-obj-version"),
    )


class Delivery:
    """Delivers the files of one account."""

    def __init__(self, account: EmulatedAccount) -> None:
        self._account = account
        self._files = account.store.files
        self._decoders = asyncio.Semaphore(_DECODERS)

    async def deliver(self, request: Request) -> Response:
        """Respond to a request for a file; an error is text, with more in the header `ik-error` [docs]."""
        try:
            response = await self.respond(request.scope, request.headers)
            size = _size(response)
        except ErrorResponse as error:
            status, message, detail = error.status, error.message, error.message
        except FileNotFoundError:  # deleted in the meantime
            status, message, detail = 404, "Not Found", "Not Found"
        except BadTransformationError as error:
            status, message, detail = 400, BAD_TRANSFORMATION, f"{BAD_TRANSFORMATION}: {error}"
        else:
            self._account.usage.add("bandwidth", size if request.method == "GET" else 0)
            return response
        request.scope["entry"]["message"] = detail
        # headers are ASCII
        ik_error = f"{_CODES.get(status, 'UNIDENTIFIED')} - {detail.encode('ascii', 'replace').decode()}"
        return PlainTextResponse(message, status, {"ik-error": ik_error})

    async def respond(self, scope: Scope, headers: Headers) -> Response:
        """Return the response for a file; raise `ErrorResponse` or `BadTransformationError` if there is none."""
        url = parse_url(scope, self._account.url_prefixes)
        chain = parse_transformation(url.transformation, self._account.named_transformations)
        target = self._find(url, chain)
        rendered = chain.get("orig") != "true" and (target.thumbnail or _is_image(target.details))
        files = find_files(self._files, chain) if rendered else {}
        self._check_access(url, chain, target.details, files.values())
        if not target.thumbnail:
            chain.ignore("so")
        self._check_transformation(chain)
        if not target.thumbnail and not _is_image(target.details):
            chain.ignored = [url.transformation]
        self._set_format(chain, thumbnail=target.thumbnail)
        if not rendered or not chain.steps:
            return self._original(url, chain, target.details)
        return await self._transformed(url, chain, target, headers, file_paths(self._files, files))

    def _find(self, url: DeliveryPath, chain: Chain) -> _Target:
        """Return the file of a URL, the one whose thumbnail it is, or the transformation's default image."""
        details = find_published(self._files, url.path, url.version)
        if details is None and url.path.endswith(_THUMBNAIL):
            details = find_published(self._files, url.path.removesuffix(_THUMBNAIL), url.version)
            if details is not None:
                return _Target(details, thumbnail=True)
        if details is None and (default := chain.get("di")):
            details = find_published(self._files, library_path(default))
        if details is None or (details["fileType"] != "image" and chain.thumbnail):
            raise ErrorResponse(404, "Not Found")
        return _Target(details, thumbnail=False)

    def _check_access(self, url: DeliveryPath, chain: Chain, details: Details, layers: Iterable[Details]) -> None:
        """Require a signature if a file needs one, and reject an invalid one [docs: 401]."""
        rules = self._account.rules
        needed = [details, *layers] if rules.private_layers else [details]
        private = any(self._is_private(file) for file in needed)
        required = rules.restrict_unsigned or (private and not chain.named)
        if url.signature is None:
            if required:
                raise ErrorResponse(rules.unsigned_status, "Unauthorized")
            return
        now = self._account.clock() - rules.signature_leeway
        valid = signatures.is_valid_url(self._account.keys.private, url.signed, url.expiry, url.signature, now)
        if not valid and (required or rules.bad_signature == "refuse"):
            raise ErrorResponse(401, "Unauthorized")

    def _is_private(self, details: Details) -> bool:
        everywhere = self._account.rules.private_files == "all"
        return details["isPrivateFile"] and (everywhere or details["fileType"] == "image")

    def _check_transformation(self, chain: Chain) -> None:
        rules = self._account.rules
        if chain.ignored and rules.unknown_steps == "refuse":
            raise BadTransformationError(f"Unknown transformation: {', '.join(chain.ignored)}")
        if rules.restrict_unnamed and (chain.steps or chain.ignored) and not chain.named:
            raise BadTransformationError("Only named transformations are allowed.")

    def _set_format(self, chain: Chain, *, thumbnail: bool) -> None:
        """Add the format of the account, or of thumbnails, to a transformation that has none."""
        default = "auto" if self._account.rules.auto_format else "jpg" if thumbnail else None
        if default is not None and not chain.get("f"):
            chain.steps.append(Step({"f": default}))

    def _original(self, url: DeliveryPath, chain: Chain, details: Details) -> Response:
        return FileResponse(
            self._files.bytes_of(details["versionInfo"]["id"]),
            media_type=details.get("mime", "application/octet-stream"),
            filename=details["name"] if url.attachment else None,
            headers=_ignored(chain),
        )

    async def _transformed(
        self, url: DeliveryPath, chain: Chain, target: _Target, headers: Headers, files: Mapping[str, Path]
    ) -> Response:
        details = target.details
        path = self._files.bytes_of(details["versionInfo"]["id"])
        file: Path | IO[bytes] = path
        size = details["size"]
        if not _is_image(details):
            frame = await self._frame(path, chain, details)
            file, size = BytesIO(frame), len(frame)
        request = RenderRequest(headers.get("accept", ""), _hints(headers))
        content, mime = await run_in_threadpool(render, file, size, chain, request, _custom_area(details), files)
        response = Response(content, media_type=mime, headers=_ignored(chain) | {"Vary": "Accept"})
        if url.attachment:
            # Starlette encodes non-ASCII names
            name = _THUMBNAIL[1:] if target.thumbnail else details["name"]
            named = FileResponse(path, filename=name)
            response.headers["content-disposition"] = named.headers["content-disposition"]
        return response

    async def _frame(self, path: Path, chain: Chain, details: Details) -> bytes:
        """Return the frame of a video for its thumbnail, as an image."""
        mime = details.get("mime", "")
        if not mime.startswith("video/"):
            raise ErrorResponse(501, f"The emulator makes no thumbnails of {mime or 'this type of file'}.")
        duration = float(details.get("duration", 0))
        try:
            offset = arithmetic.evaluate(chain.get("so") or "0", {"idu": duration, "bdu": duration})
            async with self._decoders:
                return await run_in_threadpool(extract_frame, path, max(0.0, offset))
        except DecoderMissingError:
            raise ErrorResponse(501, INSTALL) from None
        except (FrameError, ValueError) as error:
            raise BadTransformationError(str(error)) from None


def _size(response: Response) -> int:
    return Path(response.path).stat().st_size if isinstance(response, FileResponse) else len(response.body)


def _is_image(details: Details) -> bool:
    """Whether a file can be transformed; videos, SVG and all other files are delivered as uploaded."""
    return details["fileType"] == "image" and details.get("mime") != "image/svg+xml"


def _ignored(chain: Chain) -> dict[str, str]:
    """Return a header with the ignored parts of a transformation; the service has no such header."""
    plain = ",".join(chain.ignored).encode("ascii", "replace").decode()
    return {"x-emulator-ignored": re.sub(r"[^ -~]", "?", plain)} if plain else {}


def _hints(headers: Headers) -> dict[str, float]:
    """Return the client's hints [docs]; newer header names take precedence."""
    hints = {}
    for hint, names in _HINTS.items():
        text = next((headers[name] for name in names if name in headers), "")
        if re.fullmatch(r"\d{1,5}(\.\d{1,3})?", text, re.ASCII) and float(text) > 0:
            hints[hint] = float(text)
    return hints


def _custom_area(details: Details) -> Box | None:
    text = details.get("customCoordinates")
    if not text:
        return None
    left, top, width, height = (int(number) for number in text.split(","))
    return left, top, left + width, top + height
