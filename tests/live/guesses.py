"""Checks of assumptions about the service, one per function, whose docstring is printed before the result."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any

from talk import said

from ikpipe import Policy
from ikpipe.emulator import Rules

if TYPE_CHECKING:
    from collections.abc import Callable

    from talk import Talk

OK = 200


@dataclass
class Finding:
    """What the service does, and the settings that follow from it."""

    seen: str
    rules: dict[str, Any] = field(default_factory=dict)
    """Rules of `Emulator`."""
    policy: dict[str, Any] = field(default_factory=dict)
    """Fields of the client's `Policy`."""
    note: str = ""
    """What it means for the client, if there is nothing to set."""

    def lines(self) -> list[str]:
        """Return the lines to print."""
        sections = [("Emulator", Rules(), self.rules), ("Policy", Policy(), self.policy)]
        settings = [
            f"{of}({name}={value!r}): " + ("the default" if getattr(default, name) == value else "SET THIS")
            for of, default, values in sections
            for name, value in values.items()
        ]
        return [self.seen, *settings, *([self.note] if self.note else [])]


def used_token(talk: Talk) -> Finding:
    """Check how a used token is rejected."""
    fields = talk.fields()
    token = talk.token(fields)
    first, second = (talk.post(fields, token) for _ in range(2))
    if (first.status_code, second.status_code) == (OK, OK):
        return Finding(
            "A token works twice.",
            note="The client relies on the opposite for unconfirmed rows. Please report it to ikpipe.",
        )
    seen = said(second).replace(token, "…")
    words = "used-before" if "used before" in seen else "invalid"
    return Finding(f"Response: {seen}", {"used_token": words}, note="The client recognizes both.")


def error_spends(talk: Talk) -> Finding:
    """Check whether a rejected request uses its token."""
    fields = talk.fields()
    token = talk.token(fields)
    refused, again = talk.post(fields, token, file=None), talk.post(fields, token)
    seen = f"After the response {said(refused)!r}, the same token gets {said(again)!r}.".replace(token, "…")
    return Finding(seen, {"error_spends": again.status_code != OK}, note="The client signs a new token in both cases.")


def payload(talk: Talk) -> Finding:
    """Check whether signed JSON is compared as text or as parsed JSON."""
    signed = talk.fields(customMetadata="{}")
    talk.details(signed)
    reply = talk.post({**signed, "customMetadata": "{ }"}, talk.token(signed))
    how = "json" if reply.status_code == OK else "text"
    note = "The client sends exactly the text that it signed."
    return Finding(f"Response to JSON signed as {{}} and sent as {{ }}: {said(reply)}", {"payload": how}, note=note)


def other_claims(talk: Talk) -> Finding:
    """Check whether a registered claim, such as `jti`, is a mismatch."""
    fields = talk.fields()
    reply = talk.post(fields, talk.token({**fields, "jti": "1"}))
    how = "ignore" if reply.status_code == OK else "refuse"
    return Finding(
        f"Response to a token with a jti: {said(reply)}", {"other_claims": how}, note="The client sends no such claim."
    )


def leeway(talk: Talk) -> Finding:
    """Check for how long an expired token is still accepted."""
    fields = talk.fields()
    accepted = 0.0
    for late in (5, 30, 120):
        if talk.post(fields, talk.token(fields, late=late)).status_code != OK:
            break
        accepted = float(late)
    seen = (
        f"It is accepted {accepted:.0f} s after its expiry." if accepted else "It is not accepted 5 s after its expiry."
    )
    return Finding(seen, {"leeway": accepted})


def clock(talk: Talk) -> Finding:
    """Check the difference between the service's clock and this machine's."""
    reply = talk.http.get(f"{talk.account.api_url}/v1/files?limit=1", auth=(str(talk.account.key()), ""))
    off = parsedate_to_datetime(reply.headers["date"]).timestamp() - time.time()
    wanted = max(Policy().clock_skew, round(abs(off) * 2))
    return Finding(f"{off:+.0f} s.", policy={"clock_skew": wanted})


def suffix(talk: Talk) -> Finding:
    """Check the length of the suffix that makes a name unique."""
    name = talk.details(talk.fields("suffix.png"))["name"]
    made = name.removeprefix("suffix_").removesuffix(".png")
    return Finding(f"suffix.png became {name}.", {"suffix_length": len(made)}, note="The client uses its own suffixes.")


def names(talk: Talk) -> Finding:
    """Check whether special characters are kept in file names and folders."""
    reply = talk.post({**talk.fields("a b.png"), "folder": f"{talk.folder}/a b"})
    seen = reply.json()["filePath"] if reply.status_code == OK else said(reply)
    how = "keep" if reply.status_code == OK and "/a b/a b" in seen else "replace"
    note = 'The client replaces them; Policy(names="as_given") sends them unchanged.'
    return Finding(f"'a b/a b.png': {seen}", {"names": how}, note=note)


def bad_base64(talk: Talk) -> Finding:
    """Check what happens to a `file` that is text and neither a URL nor base64, such as a path."""
    fields = talk.fields("path.png")
    reply = talk.post({**fields, "file": "/home/me/a.png"}, talk.token(fields), file=None)
    how = "store" if reply.status_code == OK else "refuse"
    return Finding(f"Response: {said(reply)}", {"bad_base64": how}, note="The client reads the file at a path.")


def on_request(talk: Talk) -> Finding:
    """Check which response fields are sent only if `responseFields` asks for them."""
    names = Rules().on_request
    asked = talk.details(talk.fields(responseFields=",".join(names)))
    unasked = talk.details(talk.fields())
    never = [name for name in names if name not in asked]  # for these, nothing can be concluded
    only = tuple(name for name in names if name not in unasked)
    seen = f"{', '.join(name for name in only if name not in never) or 'None'}"
    seen += f"; not sent even if requested: {', '.join(never)}" if never else ""
    return Finding(f"{seen}.", {"on_request": only})


def preflight(talk: Talk) -> Finding:
    """Check whether a browser's preflight request is allowed."""
    asks = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    reply = talk.http.options(talk.account.upload_url, headers=asks)
    granted = reply.is_success and "access-control-allow-origin" in reply.headers
    return Finding(
        f"Status {reply.status_code}.", {"preflight": granted}, note="The widget sends no preflight requests."
    )


def drafts(talk: Talk) -> Finding:
    """Check whether the account's plan allows `isPublished=false`."""
    reply = talk.post(talk.fields(isPublished="false"))
    return Finding(f"Response: {said(reply)}", {"drafts": reply.status_code == OK})


def index_lag(talk: Talk) -> Finding:
    """Check how long it takes until a stored file appears in a search."""
    begun = time.monotonic()
    lag = talk.found_after(talk.details(talk.fields())["name"], begun)
    if lag is None:
        return Finding(
            "Longer than this program waits.", note="Policy(index_lag=…) must be much longer; check it by hand."
        )
    wanted = max(Policy().index_lag, float(round(lag * 3)))
    return Finding(f"{lag:.1f} s.", {"index_lag": float(round(lag))}, {"index_lag": wanted})


def unsigned(talk: Talk) -> Finding:
    """Check the status of a private file's URL without a signature."""
    kept = talk.details(talk.fields(isPrivateFile="true"))
    status, signed = talk.get(kept), talk.get(kept, signed=True)
    return Finding(f"Status {status}; with a signature {signed}.", {"unsigned_status": status})


def private_files(talk: Talk) -> Finding:
    """Check whether `isPrivateFile` protects files that are not images."""
    status = talk.get(talk.details(talk.fields("a.txt", isPrivateFile="true"), b"no image"))
    return Finding(f"Status of a text file: {status}.", {"private_files": "images" if status == OK else "all"})


def bad_signature(talk: Talk) -> Finding:
    """Check the status of a public file's URL with an invalid signature."""
    status = talk.get(talk.details(talk.fields()), query={"ik-s": "0" * 40})
    return Finding(f"Status {status}.", {"bad_signature": "ignore" if status == OK else "refuse"})


def unknown_steps(talk: Talk) -> Finding:
    """Check the status of an unknown transformation."""
    status = talk.get(talk.details(talk.fields()), transformation="zz-1")
    return Finding(f"Status {status}.", {"unknown_steps": "ignore" if status == OK else "refuse"})


def pre_transformation(talk: Talk) -> Finding:
    """Check whether an image's pre-transformation is queued or done at once."""
    reply = talk.post(talk.fields("pre.png", transformation='{"pre":"w-10"}', useUniqueFileName="false"))
    if reply.status_code not in (OK, 202):
        return Finding(f"Response: {said(reply)}", note="So this could not be checked.")
    if reply.status_code != OK:
        talk.found_after("pre.png", time.monotonic())  # so that it can be deleted
    how = "images-at-once" if reply.status_code == OK else "queued"
    return Finding(f"Status {reply.status_code}.", {"pre_transformation": how}, note="The client handles both.")


GUESSES: tuple[Callable[[Talk], Finding], ...] = (
    used_token,
    error_spends,
    payload,
    other_claims,
    leeway,
    clock,
    suffix,
    names,
    bad_base64,
    on_request,
    preflight,
    drafts,
    index_lag,
    pre_transformation,
)
DELIVERED: tuple[Callable[[Talk], Finding], ...] = (unsigned, private_files, bad_signature, unknown_steps)
"""Checks that need the account's `url_endpoint`."""
