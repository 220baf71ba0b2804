"""What an answer means: every status with every body, by whoever gave it, of a file that is stored or not.

A service in memory stores forms; what stands between it and the client answers the first request of each row by itself.
Whatever it says, each row's last word is true, and after `retry` nothing is stored twice.
"""

from __future__ import annotations

import re
from collections import Counter
from datetime import UTC, datetime
from email.utils import format_datetime
from itertools import product
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pandas as pd
import pytest
from doubles import Request

import ikpipe
from ikpipe import Account, Policy
from ikpipe.request.reply import _STOPS, MESSAGES

if TYPE_CHECKING:
    from collections.abc import Callable


UP = {"uploaded", "exists", "accepted"}
STATUSES = [200, 202, *range(400, 452), 460, 499, *range(500, 512), 520, 524, 599]
FEW = [200, 202, 400, 401, 403, 404, 408, 409, 413, 422, 425, 429, 451, 460, 499, 500, 502, 503, 504, 511, 520, 599]
"""Those that mean something, and some that mean nothing to anybody."""
BODIES: dict[str, bytes] = {
    "gateway's JSON": b'{"message": "Forbidden", "error": "blocked"}',
    "HTML": b"<html><h1>Blocked</h1></html>",
    "empty": b"",
    "truncated": b'{"message": "Your acc',
    "another file": b'{"fileId": "x1", "name": "other.gif", "filePath": "/other/other.gif", "size": 7}',
}
OWN, NONE = "the service's JSON", "no answer"
BRIEF = {"x-ratelimit-reset": "1"}
RIDS = {"x-ik-requestid": "5f4f"}
ACCOUNT = Account("public_answers", "private_0123456789abcdef0123456789abcdef")
SWIFT = Policy(first_wait=0.001, index_lag=0.01, look_ups=0, retry_budget=10**6)


class Library:
    """The service: takes a token once, stores a form under its name, and can be searched."""

    def __init__(self, now: Callable[[], float] | None = None, used: str = "Your request has invalid token.") -> None:
        self.stored: list[dict[str, Any]] = []
        self._used: set[str] = set()
        self._words = used
        self._now = now or (lambda: datetime.now(UTC).timestamp())

    def time(self) -> dict[str, str]:
        """Give the headers that tell the time."""
        return {**RIDS, "date": format_datetime(datetime.fromtimestamp(self._now(), UTC), usegmt=True)}

    def refuse(self, message: str, status: int = 400) -> httpx.Response:
        """Refuse in the service's own words."""
        return httpx.Response(status, json={"message": message}, headers=self.time())

    def upload(self, form: Request) -> httpx.Response:
        """Take a form."""
        if (refusal := self.untimely(form)) is not None:
            return refusal
        if form.token in self._used:
            return self.refuse(self._words)
        self._used.add(form.token)
        fields, content = form.fields, next(part.content for part in form.parts if part.name == "file")
        path = "/".join(["", *filter(None, fields.get("folder", "").split("/")), fields["fileName"]])
        if fields.get("overwriteFile") == "false" and any(file["filePath"] == path for file in self.stored):
            return self.refuse(
                "A file with the same name already exists at the exact location. We could not overwrite it because "
                "both overwriteFile and useUniqueFileName are set to false."
            )
        stamp = datetime.fromtimestamp(self._now(), UTC).isoformat()
        about = {"fileId": f"f{len(self.stored)}", "name": fields["fileName"], "filePath": path, "size": len(content)}
        self.stored.append({**about, "content": content, "createdAt": stamp, "updatedAt": stamp})
        return httpx.Response(200, json=about, headers=self.time())

    def untimely(self, form: Request) -> httpx.Response | None:
        """Refuse a token by its times."""
        claims = jwt.decode(form.token, options={"verify_signature": False, "verify_exp": False, "verify_iat": False})
        if not claims["iat"] <= self._now() + 1:
            return self.refuse("Your request has invalid token.")
        return self.refuse("Your request contains expired token.") if self._now() >= claims["exp"] else None

    def search(self, request: httpx.Request) -> httpx.Response:
        """List the files of some names, the latest version of each."""
        names = set(re.findall(r'name = "([^"]+)"', request.url.params.get("searchQuery", "")))
        latest = {file["filePath"]: file for file in self.stored if file["name"] in names}
        listed = [{name: value for name, value in file.items() if name != "content"} for file in latest.values()]
        return httpx.Response(200, json=listed, headers=self.time())

    def copies(self) -> Counter[bytes]:
        """Count how often each content was stored."""
        return Counter(file["content"] for file in self.stored)


class Between(httpx.AsyncBaseTransport):
    """Something between client and service; `act` may answer a form by itself."""

    def __init__(self, library: Library, act: Callable[[Request, int], httpx.Response | None]) -> None:
        self.library, self._act = library, act
        self.sent: Counter[bytes] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass a request on."""
        content = await request.aread()
        if request.method == "GET":
            return self.library.search(request)
        form = Request("", dict(request.headers), content)
        file = next(part.content for part in form.parts if part.name == "file")
        self.sent[file] += 1
        return self._act(form, self.sent[file]) or self.library.upload(form)


def table(rows: int) -> pd.DataFrame:
    """Make rows whose files all differ."""
    return pd.DataFrame({"file": [b"GIF89a %d" % row for row in range(rows)], "sku": range(rows)})


def run(frame: pd.DataFrame, transport: httpx.AsyncBaseTransport, **options: Any) -> pd.DataFrame:
    """Upload, and retry what is not uploaded."""
    options = {"policy": SWIFT, "progress": False, "transport": transport, "concurrency": 16, **options}
    return ikpipe.upload(frame, ACCOUNT, file_name="{sku}.gif", folder="/answers", **options)


def untrue(results: pd.DataFrame, copies: Counter[bytes]) -> list[str]:
    """Give the rows whose status is not true, and the files that are stored twice."""
    found = [f"{content!r} is stored {count} times" for content, count in copies.items() if count > 1]
    for _, row in results.iterrows():
        stored, status = bool(copies[row["file"]]), row["ik_status"]
        if (status in UP) != stored and status != "unknown":
            found.append(f"{row['case']}: {status} ({row['ik_error']}), stored: {stored}")
    return found


NAMES: dict[str, dict[str, Any]] = {
    "unique": {},
    "fixed": {"use_unique_file_name": False},
    "kept": {"use_unique_file_name": False, "overwrite_file": False},
}


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("stored", [True, False])
@pytest.mark.parametrize("always", [True, False])
@pytest.mark.parametrize("statuses", [FEW, pytest.param(STATUSES, marks=pytest.mark.soak)], ids=["few", "all"])
def test_no_answer_of_another_makes_a_row_untrue(
    statuses: list[int], names: str, *, stored: bool, always: bool
) -> None:
    """Every status, with every body that is not the service's own: to the first request of a row, or to all of them.

    Where what stands between answers everything, rows end `failed` only if the file is certainly not stored.
    """
    failures = [status for status in statuses if 500 <= status < 512 or status == 599]
    refusals = [status for status in statuses if 400 <= status < 452 and status not in (401, 403, 429)]
    cases = [*product(statuses, BODIES), (0, NONE), *product(failures, [OWN])]
    cases += [] if stored else [*product(refusals, [OWN])]  # which refuse a row, and stop or hold no run
    frame = table(len(cases) + 1).assign(case=["heard", *map(str, cases)])
    places = dict(zip(frame["file"][1:], cases, strict=True))

    def act(form: Request, number: int) -> httpx.Response | None:
        file = next(part.content for part in form.parts if part.name == "file")
        if file not in places or (number > 1 and not always):
            return None
        if stored and number == 1:
            library.upload(form)
        status, body = places[file]
        if body == NONE:
            raise httpx.ReadError("gone")
        if body == OWN:
            return library.refuse("Something new.", status)
        return httpx.Response(status, content=BODIES[body], headers=BRIEF if status == 429 else None)

    library = Library()
    between = Between(library, act)
    results = run(frame, between, retries=1, **NAMES[names])
    assert untrue(results, library.copies()) == []
    own = [case in cases and case[1] == OWN and case[0] < 500 for case in [None, *cases]]
    assert set(results.loc[own, "ik_status"]) <= {"failed"}
    assert set(results["ik_status"][[not one for one in own]]) <= UP or always
    again = ikpipe.retry(results, ACCOUNT, policy=SWIFT, progress=False, transport=Between(library, lambda *_: None))
    assert untrue(again, library.copies()) == []
    assert set(again["ik_status"]) <= UP


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("stored", [True, False])
def test_a_resend_that_is_refused_says_nothing_of_the_first(names: str, *, stored: bool) -> None:
    """After an answer was lost, the same token is refused in the service's own words, whatever they are."""
    words = [words for words in messages() if "already exists" not in words]  # that is a sign of it
    cases = [*product([400], words), *product([400, 404, 409, 413, 422], ["Something new."])]
    frame = table(len(cases) + 1).assign(case=["heard", *map(str, cases)])
    places = dict(zip(frame["file"][1:], cases, strict=True))

    def act(form: Request, number: int) -> httpx.Response | None:
        file = next(part.content for part in form.parts if part.name == "file")
        if file not in places or number > 2:
            return None
        if number == 1:
            if stored:
                library.upload(form)
            return httpx.Response(503)
        status, message = places[file]
        return library.refuse(message, status)

    library = Library()
    results = run(frame, Between(library, act), **NAMES[names])
    assert untrue(results, library.copies()) == []
    assert set(results["ik_status"]) <= {*UP, "failed"}


def messages() -> list[str]:
    """Give the service's refusals, but for those that stop a run."""
    return [message for message, code in MESSAGES.items() if _STOPS.get(code) != "always"]


@pytest.mark.parametrize("names", NAMES)
@pytest.mark.parametrize("passed", ["first", "second"])
def test_each_request_is_delivered_twice(names: str, passed: str) -> None:
    """Whichever answer is passed on, each row is stored once, its status is true, and no run stops."""

    def act(form: Request, _number: int) -> httpx.Response:
        first, second = library.upload(form), library.upload(form)
        return first if passed == "first" else second

    library = Library()
    frame = table(100).assign(case="twice")
    results = run(frame, Between(library, act), **NAMES[names])
    assert untrue(results, library.copies()) == []
    assert set(results["ik_status"]) == {"uploaded" if passed == "first" else "exists"}


@pytest.mark.parametrize("used", ["Your request has invalid token.", "The token with value 'a' has been used before."])
def test_a_single_row_whose_fresh_token_is_used_is_looked_up(used: str) -> None:
    """In either wording of it, the keys are not blamed for what something in between did: the file is stored once."""

    def second(form: Request, _number: int) -> httpx.Response:
        library.upload(form)
        return library.upload(form)

    library = Library(used=used)
    results = run(table(1).assign(case="used"), Between(library, second))
    assert (results["ik_status"].tolist(), library.copies().total()) == (["exists"], 1)


def test_the_services_own_refusal_is_believed_at_once() -> None:
    """JSON with its request id, to a fresh token: one request, and no look-up."""
    library = Library()
    between = Between(library, lambda _form, _number: library.refuse("Something new.", 422))
    results = run(table(1), between)
    assert (results["ik_error"].tolist(), between.sent.total()) == (["refused"], 1)


def test_a_firewalls_403_stops_no_run() -> None:
    """One row in ten is blocked for good by a web page: those fail, and all others are uploaded."""
    library = Library()

    def act(form: Request, _number: int) -> httpx.Response | None:
        blocked = form.fields["fileName"].startswith("7")
        return httpx.Response(403, html="<html>Request blocked</html>") if blocked else None

    results = run(table(60), Between(library, act), retries=1)
    blocked = [str(sku).startswith("7") for sku in results["sku"]]
    assert results["ik_status"].eq("failed").tolist() == blocked
    assert set(results.loc[blocked, "ik_error"]) == {"bad_reply"}
    assert untrue(results.assign(case="403"), library.copies()) == []
