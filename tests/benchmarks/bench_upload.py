"""What a row costs from frame to frame, compared with clients that only sign and post.

The contestants of a contest send to one server, which replies at once. ikpipe does everything: it maps, checks, signs,
encodes, records, sends, and returns a frame of the results. The others sign and post in a loop.
"""

from __future__ import annotations

import asyncio
import json
import secrets
import sys
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from resource import RUSAGE_SELF, getrusage
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import aiohttp
import httpx
import jwt
import pandas as pd
from bench import Contest
from fake_service import fake_service
from imagekitio import AsyncImageKit, Omit

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator
    from contextlib import AbstractAsyncContextManager

    Post = Callable[[dict[str, str], str, bytes], Awaitable[object]]

PATH = "/api/v2/files/upload"
PUBLIC, PRIVATE = "public_bench", "private_bench_long_enough_for_its_hash"
GIF = b"GIF89a" + b"." * 40
_TIMES = count()


def fields_of(row: int) -> dict[str, str]:
    """Return the fields of a row."""
    return {
        "fileName": f"{row:07}.gif",
        "useUniqueFileName": "false",
        "tags": "shoe,summer",
        "folder": "/products/acme/",
        "overwriteFile": "false",
    }


def token(fields: dict[str, str]) -> str:
    """Return a token, signed as in ImageKit's upload documentation."""
    claims = fields | {"iat": 1_800_000_000 + next(_TIMES), "exp": 1_800_003_600 + next(_TIMES)}
    return jwt.encode(claims, PRIVATE, "HS256", {"kid": PUBLIC})


def multipart_body(fields: dict[str, str], signed: str, file: bytes) -> tuple[str, bytes]:
    """Return the content type and body of a form, encoded by hand."""
    boundary = secrets.token_hex(16)
    part = f'--{boundary}\r\nContent-Disposition: form-data; name="%s"%s\r\n\r\n'
    texts = "".join(f"{part % (name, '')}{text}\r\n" for name, text in {**fields, "token": signed}.items())
    head = texts + part % ("file", f'; filename="{fields["fileName"]}"\r\nContent-Type: image/gif')
    return f"multipart/form-data; boundary={boundary}", head.encode() + file + f"\r\n--{boundary}--\r\n".encode()


@contextmanager
def post_loop(rows: int, *, flight: int, client: Callable[[str], AbstractAsyncContextManager[Post]]) -> Iterator[Any]:
    """Sign and post in a loop, with `flight` requests in flight."""

    async def main(url: str) -> None:
        shared = iter(range(rows))
        async with client(url) as post:

            async def work() -> None:
                for row in shared:
                    fields = fields_of(row)
                    await post(fields, token(fields), GIF)

            await asyncio.gather(*(work() for _ in range(flight)))

    with fake_service() as url:
        yield lambda: asyncio.run(main(url))


class Aiohttp:
    """aiohttp, with a body that is encoded by hand."""

    def __init__(self, url: str) -> None:
        self._url = url + PATH

    async def __aenter__(self) -> Post:
        self._session = aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self._post

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    async def _post(self, fields: dict[str, str], signed: str, file: bytes) -> None:
        kind, body = multipart_body(fields, signed, file)
        async with self._session.post(self._url, data=body, headers={"Content-Type": kind}) as answer:
            json.loads(await answer.read())


class Httpx:
    """httpx, as in its documentation."""

    def __init__(self, url: str) -> None:
        self._url = url + PATH

    async def __aenter__(self) -> Post:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self._client = httpx.AsyncClient(limits=limits, timeout=60)
        return self._post

    async def __aexit__(self, *_: object) -> None:
        await self._client.aclose()

    async def _post(self, fields: dict[str, str], signed: str, file: bytes) -> None:
        sent = {"file": (fields["fileName"], file, "image/gif")}
        answer = await self._client.post(self._url, data={**fields, "token": signed}, files=sent)
        answer.json()


class Official:
    """The official SDK, with the options that a V2 upload needs."""

    def __init__(self, url: str) -> None:
        self._url = url

    async def __aenter__(self) -> Post:
        limits = httpx.Limits(max_connections=None, max_keepalive_connections=None)
        self._client = AsyncImageKit(
            private_key=PRIVATE,
            password="",
            base_url=self._url,
            max_retries=0,
            http_client=httpx.AsyncClient(limits=limits, timeout=60),
        )
        return self._post

    async def __aexit__(self, *_: object) -> None:
        await self._client.close()

    async def _post(self, fields: dict[str, str], signed: str, file: bytes) -> None:
        await self._client.beta.v2.files.upload(
            file=(fields["fileName"], file),
            file_name=fields["fileName"],
            folder=fields["folder"],
            tags=fields["tags"].split(","),
            use_unique_file_name=False,
            overwrite_file=False,
            token=signed,
            extra_headers={"Authorization": Omit()},
        )


def frame(rows: int) -> pd.DataFrame:
    """Return rows of an ordinary table with small files, since bytes are a matter of the network."""
    names = [f"{row:07}" for row in range(rows)]
    files = pd.Series([GIF] * rows, dtype=object)
    return pd.DataFrame({"file": files, "sku": names, "brand": "acme", "title": "A shoe for the summer"})


@contextmanager
def upload_frame(rows: int, *, flight: int) -> Iterator[Callable[[], object]]:
    """Upload a frame with `ikpipe.upload`."""
    table = frame(rows)
    with TemporaryDirectory() as folder, fake_service() as url:
        account = ikpipe.Account(PUBLIC, PRIVATE, upload_url=url + PATH, api_url=url)
        mapping = {"file_name": "{sku}.gif", "folder": "/products/{brand}/", "tags": "shoe,summer"}
        before = getrusage(RUSAGE_SELF).ru_maxrss
        yield lambda: ikpipe.upload(
            table, account, concurrency=flight, progress=False, journal=Path(folder) / "run.ikjournal", **mapping
        )
        grown = (getrusage(RUSAGE_SELF).ru_maxrss - before) / 1024
        if grown > 1:
            sys.stderr.write(f"  {rows:,} rows: the process grew by {grown:,.0f} MB\n")


upload_64 = partial(upload_frame, flight=64)
CONTESTS = [
    *(
        Contest(
            f"upload, {flight} in flight",
            20_000,
            {
                "aiohttp, signing and posting": partial(post_loop, flight=flight, client=Aiohttp),
                "ikpipe, everything": partial(upload_frame, flight=flight),
                "httpx": partial(post_loop, flight=flight, client=Httpx),
                "official SDK": partial(post_loop, flight=flight, client=Official),
            },
            # Fewer rows are enough for the slow ones.
            scales={"httpx": 0.1, "official SDK": 0.1},
        )
        for flight in (16, 64, 256, 512)
    ),
    Contest(
        "upload, 64 in flight, more and more rows",
        10_000,
        {"as many": upload_64, "10 times as many": upload_64, "100 times as many": upload_64},
        scales={"10 times as many": 10, "100 times as many": 100},
    ),
]
