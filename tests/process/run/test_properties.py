"""For any row: what `check` passes arrives as it was signed and is accepted; what it refuses is never sent."""

from __future__ import annotations

import base64
import hashlib
import unicodedata
from itertools import count
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pandas as pd
import pytest
from doubles import Request, uploads_of
from examples import plays
from hypothesis import event, given
from hypothesis import strategies as st

import ikpipe
from ikpipe.emulator import Emulator
from ikpipe.request.parameters import TABLE

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMAS: dict[str, dict[str, Any]] = {
    "brand": {"type": "Text", "maxLength": 9},
    "notes": {"type": "Textarea"},
    "price": {"type": "Number", "minValue": -5},
    "sale": {"type": "Boolean"},
    "since": {"type": "Date"},
    "size": {"type": "SingleSelect", "selectOptions": ["S", 1, True]},
    "colours": {"type": "MultiSelect", "selectOptions": ["red", "blue", 7]},
}

examples = count()

VERBATIM = ikpipe.Policy(unique_names="service")
"""Names go out as they stand in the cells; those that are made here have tests of their own."""


@pytest.fixture(scope="module")
def shop() -> Iterator[Emulator]:
    """Run an emulator whose account has a metadata field of each type."""
    with Emulator() as emulator, httpx.Client(auth=(emulator.private_key, "")) as client:
        for name, schema in SCHEMAS.items():
            field = {"name": name, "label": name, "schema": schema}
            client.post(f"{emulator.url}/v1/customMetadataFields", json=field).raise_for_status()
        yield emulator


# Text that people, spreadsheets and attackers put into cells.
awkward = st.sampled_from(
    ["\r\n--", '"; name="token"', "\x00", "\ufeff", "%", "{sku}", "{{", "\u2028", "\ud800", "İ", "ﬁ", "é", "1e5", " "]
)
pieces = st.one_of(st.text(max_size=8), awkward, st.text("az09._-/,% ", max_size=12))
texts = st.lists(pieces, min_size=1, max_size=4).map("".join)
flags = st.sampled_from([True, False, "TRUE", "no", 1, 0, "0", "maybe", 1.0, None])
numbers = st.one_of(st.integers(-(10**6), 10**6), st.floats(), st.booleans())
scalars = st.one_of(texts, numbers, st.none(), st.dates())
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3))
folders = st.one_of(
    st.lists(st.text("aé\u0661_-", min_size=1, max_size=3), max_size=52).map("/".join),
    texts,
)
addresses = st.builds(
    "{}://{}/{}?{}".format,
    st.sampled_from(["http", "https", "ftp"]),
    st.sampled_from(["x.test", "猫.test", "[::1]", "x:99", "", "x y"]),
    texts,
    texts,
)
metadata = st.one_of(
    st.dictionaries(st.sampled_from([*SCHEMAS, "brnad"]), values, max_size=4),
    st.fixed_dictionaries(
        {},
        optional={
            "brand": texts,
            "price": numbers | st.sampled_from(["12.50", "1e3", "NaN", "1_0"]),
            "sale": flags,
            "since": st.dates() | st.dates().map(str) | st.datetimes().map(str),
            "size": st.sampled_from(["S", "1", 1, "true", True, "L"]),
            "colours": st.lists(st.sampled_from(["red", "7", 7, "green"])) | st.just("red,blue"),
        },
    ),
)
steps = st.fixed_dictionaries(
    {"type": st.sampled_from(["transformation", "abs", "gif-to-video", "thumbnail", "new"])},
    optional={"value": texts, "protocol": st.sampled_from(["hls", "dash", "mms"])},
)
extensions = st.lists(
    st.one_of(
        st.fixed_dictionaries({"name": st.just("remove-bg")}, optional={"options": st.dictionaries(texts, scalars)}),
        st.fixed_dictionaries(
            {"name": st.sampled_from(["google-auto-tagging", "aws-auto-tagging"]), "maxTags": st.integers(0, 9)},
            optional={"minConfidence": st.integers(0, 99)},
        ),
    ),
    max_size=3,
)

CELLS: dict[str, st.SearchStrategy[Any]] = {
    "file_name": texts,
    "use_unique_file_name": flags,
    "tags": texts | st.lists(texts, max_size=4) | st.integers(0, 600).map(lambda length: "t" * length),
    "folder": folders,
    "is_private_file": flags,
    "is_published": flags,
    "custom_coordinates": texts
    | st.lists(numbers, max_size=5)
    | st.sampled_from(["1,2,3,4", " 1, 2,3 ,4.0", "\u0661,2,3,4"]),
    "response_fields": st.lists(st.sampled_from(["tags", "metadata", "isPublished", "size"]), max_size=3) | texts,
    "extensions": extensions | values,
    "webhook_url": addresses | texts,
    "overwrite_file": flags,
    "overwrite_ai_tags": flags,
    "overwrite_tags": flags,
    "overwrite_custom_metadata": flags,
    "custom_metadata": metadata | values,
    "transformation": st.fixed_dictionaries({}, optional={"pre": texts, "post": st.lists(steps, max_size=2)}) | values,
    # Its syntax is the service's alone: here stands one that every request passes.
    "checks": st.just('"request.fileName" : ""'),
    "description": texts,
}


def row_of(names: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Draw a row that gives a name, a file, and these parameters: with all of them, hardly any row would pass."""
    given_cells = {name: CELLS[name] for name in ["file_name", *names]}
    return st.fixed_dictionaries(
        {**given_cells, "content": st.binary(min_size=1, max_size=9), "as_text": st.booleans()}
    )


rows = st.lists(st.sampled_from(sorted(CELLS)), max_size=3).flatmap(row_of)


class Recorder(httpx.AsyncHTTPTransport):
    """The network, with a note of each form that went out."""

    def __init__(self) -> None:
        super().__init__(verify=False)
        self.forms: list[Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Note an upload."""
        if request.method == "POST":
            self.forms.append(Request("", dict(request.headers), await request.aread()))
        return await super().handle_async_request(request)


def frame_of(cells: list[dict[str, Any]], example: int) -> pd.DataFrame:
    """Make a frame of drawn cells: folders of its own for each example, and contents that tell the rows apart."""
    contents = [f"{example}/{at}:".encode() + cell["content"] for at, cell in enumerate(cells)]
    files = [as_text(one) if cell["as_text"] else one for one, cell in zip(contents, cells, strict=True)]
    frame = pd.DataFrame({"file": pd.Series(files, dtype=object)})
    for name in CELLS:
        if any(name in cell for cell in cells) or name == "folder":
            frame[name] = pd.Series([cell.get(name) for cell in cells], dtype=object)
    frame["folder"] = pd.Series([f"e{example}/{folder or ''}" for folder in frame["folder"]], dtype=object)
    return frame


def as_text(content: bytes) -> str:
    """Write a file as a data URI."""
    return f"data:;base64,{base64.b64encode(content).decode()}"


def digest(content: bytes) -> str:
    """Give the hash that the emulator's log has."""
    return hashlib.sha256(content).hexdigest()


def content_of(file: str | bytes) -> bytes:
    """Give the bytes behind a cell of `frame_of`."""
    return file if isinstance(file, bytes) else base64.b64decode(file.partition(",")[2])


def kept(name: str) -> str:
    """Replace what a file name cannot have [upload docs]: all but letters, marks, numerals, ``.``, ``_`` and ``-``."""
    return "".join(char if unicodedata.category(char)[0] in "LMN" or char in "._-" else "_" for char in name)


def test_every_parameter_is_drawn() -> None:
    """The strategy has each parameter of the table."""
    assert {"file", *CELLS} == set(TABLE)


@plays(120)
@given(cells=st.lists(rows, min_size=1, max_size=6))
def test_what_check_passes_is_accepted_and_nothing_else_is_sent(shop: Emulator, cells: list[dict[str, Any]]) -> None:
    """The forms that arrive are the tokens' claims to the byte; refused rows are not among them."""
    frame = frame_of(cells, next(examples))
    columns = {"webhook_url": "webhook_url"} if "webhook_url" in frame else {}
    problems = ikpipe.check(frame, shop.account, columns=columns)
    refused = set(problems["position"][problems["severity"] == "error"])
    before = len(shop.log())
    wire = Recorder()
    results = ikpipe.upload(frame, shop.account, columns=columns, transport=wire, progress=False, policy=VERBATIM)
    arrived = {entry["file"]["sha256"]: entry for entry in uploads_of(shop, before)}
    claims = {digest(form.token.rpartition(".")[0].encode()): form.token for form in wire.forms}
    for status in results["ik_status"]:
        event(status)
    for at, file in enumerate(frame["file"]):
        if at in refused:
            assert results["ik_status"].iloc[at] == "invalid"
            assert digest(content_of(file)) not in arrived
            continue
        assert results["ik_status"].iloc[at] in ("uploaded", "accepted"), results["ik_message"].iloc[at]
        entry = arrived[digest(content_of(file))]
        signed = jwt.decode(claims[entry["token"]], shop.private_key, ["HS256"])
        assert {name: signed[name] for name in signed if name not in ("iat", "exp")} == entry["fields"]
        for name, wire_name in (("file_name", "fileName"), ("description", "description")):
            cell = cells[at].get(name) or ""
            wanted = cell.removeprefix("\ufeff")
            assert entry["fields"].get(wire_name, "") == (kept(wanted) if name == "file_name" else wanted)
    assert len(arrived) == len(wire.forms) == len(frame) - len(refused)
