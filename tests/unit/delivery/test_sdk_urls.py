"""The URL tables of the official SDKs' own unit tests, played with `url`.

Each row is `identical`, `equivalent` (another spelling of the same URL, see `Spelling`), or has the name of a
difference in the table of docs/delivery.md. A row that changes its class fails.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

import pytest

import ikpipe

ROOT = Path(__file__).parents[3]
ROWS = [json.loads(line) for line in (ROOT / "tests/data/sdk_urls/urls.jsonl").read_text().splitlines()]
DIFFERENCES = json.loads((ROOT / "tests/data/sdk_urls/differences.json").read_text())
SDKS = sorted({(row["sdk"], row["call"]) for row in ROWS})
PATH_BY_DEFAULT = {"imagekit 6 url-generation", "imagekitio 4.2"}
UNDEFINED = "__undefined__"  # JavaScript's `undefined`


def given(values: Any) -> Any:
    """Return options without those that are undefined, as if they were not written."""
    if isinstance(values, dict):
        return {name: given(value) for name, value in values.items() if value != UNDEFINED}
    return [given(value) for value in values] if isinstance(values, list) else values


def snake(options: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a call with Python's names."""
    return {re.sub("[A-Z]", lambda capital: f"_{capital[0].lower()}", name): one for name, one in options.items()}


class Call(NamedTuple):
    """A row as a call of `url`; `key` is the SDK's, `account` may need another one."""

    path: str
    account: ikpipe.Account
    options: dict[str, Any]
    key: str
    lifetime: int | None

    def url(self, monkeypatch: pytest.MonkeyPatch, expected: str) -> str:
        """Return the URL, made at the time at which the SDK made its own."""
        if self.lifetime is not None:
            end = re.search(r"ik-t=(\d+)", expected)
            now = int(end[1]) - self.lifetime if end else 1_700_000_000
            monkeypatch.setattr("time.time", lambda: float(now))
        return ikpipe.url(self.path, self.account, **self.options)


def call(row: dict[str, Any]) -> Call:
    """Translate a row: names in snake case, `src` is a path, the account's options are those of the call."""
    options = given(row["options"])
    if isinstance(options, list):  # `buildTransformationString`
        options = {"src": "a.jpg", "url_endpoint": "https://ik.imagekit.io/demo", "transformation": options}
    account, options = snake(row["account"]), snake(options)
    key = account.get("private_key", "")
    endpoint = options.get("url_endpoint") or account["url_endpoint"]
    by_default = "path" if row["sdk"] in PATH_BY_DEFAULT else "query"
    ours = {
        "transformation": options.get("transformation", ()),
        "position": options.get("transformation_position") or account.get("transformation_position") or by_default,
        "query": options.get("query_parameters"),
        "signed": options.get("signed", False),
    }
    lifetime = options.get("expires_in") or options.get("expire_seconds")
    shop = ikpipe.Account("public_shop", key.replace(" ", "_") or None, url_endpoint=endpoint)  # no key has spaces
    path = options.get("path") or options.get("src", "")
    return Call(path, shop, ours if lifetime is None else ours | {"expire": lifetime}, key, lifetime)


class Spelling(NamedTuple):
    """What a URL means, however it is spelled.

    - Percent-encoding is decoded once, in path and parameters.
    - The transformation is the same in the path and in `tr`.
    - A signature is right or wrong for the URL that it is in.
    """

    file: str
    transformation: str
    parameters: tuple[tuple[str, str], ...]
    signature: bool | None

    @classmethod
    def of(cls, url: str, endpoint: str, key: str) -> Spelling:
        """Return the meaning of a URL of this endpoint, signed with this key."""
        place = urlsplit(url)
        levels = f"{place.scheme}://{place.netloc}{unquote(place.path)}".split("/")
        steps = [level.removeprefix("tr:") for level in levels if level.startswith("tr:")]
        parameters = dict(parse_qsl(place.query, keep_blank_values=True))
        steps += [parameters.pop("tr")] if "tr" in parameters else []
        signature = parameters.pop("ik-s", None)
        right = signature == sign(url, endpoint, key) if signature else None
        file = "/".join(level for level in levels if not level.startswith("tr:"))
        return cls(file, "/".join(steps), tuple(parameters.items()), right)


def sign(url: str, endpoint: str, key: str) -> str:
    """Return the signature of a URL, computed as in the SDKs: of what follows the endpoint, and the expiry time."""
    end = re.search(r"[?&]ik-t=(\d+)", url)
    resource = re.sub(r"[?&]ik-[st]=\w+", "", url).removeprefix(f"{endpoint.rstrip('/')}/")
    encoded = re.sub(r"[^\x00-\x7f]+", lambda text: quote(text[0]), resource)
    return hmac.new(key.encode(), f"{encoded}{end[1] if end else 9999999999}".encode(), hashlib.sha1).hexdigest()


def outcome(row: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> str:
    """Return what `url` makes of a row: the URL, the transformation, or the error."""
    with monkeypatch.context() as patch:
        try:
            made = call(row).url(patch, row["expected"])
        except ikpipe.MappingError as error:
            return f"{error}"
    return made if isinstance(row["options"], dict) else made.partition("?tr=")[2]


def classify(row: dict[str, Any], made: str) -> str:
    """Return `identical`, `equivalent` or `different`."""
    if made == row["expected"]:
        return "identical"
    if not made.startswith("https://"):
        return "different"
    asked = call(row)
    endpoint, own_key = str(asked.account.url_endpoint), str(asked.account.private_key)
    ours, theirs = Spelling.of(made, endpoint, own_key), Spelling.of(row["expected"], endpoint, asked.key)
    return "equivalent" if ours == theirs and ours.signature is not False else "different"


@pytest.mark.parametrize(("sdk", "function"), SDKS, ids=[f"{sdk} {function}" for sdk, function in SDKS])
def test_every_row_is_in_its_class(sdk: str, function: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row is identical, equivalent, or differs as its difference says."""
    wrong = []
    for row in (row for row in ROWS if (row["sdk"], row["call"]) == (sdk, function)):
        made = outcome(row, monkeypatch)
        found, listed = classify(row, made), DIFFERENCES.get(row["class"])
        fits = found == "different" and re.search(listed, made) if listed else found == row["class"]
        if not fits:
            wrong.append((row["class"], row["options"], row["expected"], made))
    assert wrong == []


def test_the_documentation_counts_the_rows() -> None:
    """The page about delivery has the number of rows of each class."""
    page = (ROOT / "docs/delivery.md").read_text()
    counted = Counter(row["class"] for row in ROWS)
    table = {name: int(rows) for name, rows in re.findall(r"^\| `(\w+)` \| (\d+) \|", page, re.MULTILINE)}
    assert table == counted
    assert len(ROWS) == 488


def test_a_wrong_signature_is_no_spelling(monkeypatch: pytest.MonkeyPatch) -> None:
    """The comparison of spellings notices another signature, step or file."""
    row = next(row for row in ROWS if "ik-s=" in row["expected"] and row["class"] == "equivalent")
    made = outcome(row, monkeypatch)
    changed = [made[:-1] + ("1" if made.endswith("0") else "0"), made.replace("fs-50", "fs-51")]
    assert {classify(row, one) for one in changed} == {"different"}
