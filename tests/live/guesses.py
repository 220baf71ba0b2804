"""What nobody outside knows of the service, one question a function; its first line is printed, and what to set."""

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
    """What the service really does, and the settings that follow."""

    seen: str
    rules: dict[str, Any] = field(default_factory=dict)
    """Of `Emulator`."""
    policy: dict[str, Any] = field(default_factory=dict)
    """Of the client."""
    note: str = ""
    """What follows for the client, where there is nothing to set."""

    def lines(self) -> list[str]:
        """Write it."""
        given = [("Emulator", Rules(), self.rules), ("Policy", Policy(), self.policy)]
        settings = [
            f"{of}({name}={value!r}): " + ("the default" if getattr(default, name) == value else "SET THIS")
            for of, default, values in given
            for name, value in values.items()
        ]
        return [self.seen, *settings, *([self.note] if self.note else [])]


def used_token(talk: Talk) -> Finding:
    """See how a used token is refused."""
    fields = talk.fields()
    token = talk.token(fields)
    first, second = (talk.post(fields, token) for _ in range(2))
    if (first.status_code, second.status_code) == (OK, OK):
        return Finding("It takes one twice.", note="The client settles rows in doubt by the token: tell its makers.")
    seen = said(second).replace(token, "…")
    words = "used-before" if "used before" in seen else "invalid"
    return Finding(f"It says: {seen}", {"used_token": words}, note="The client takes either for a used token.")


def error_spends(talk: Talk) -> Finding:
    """See whether a refused request uses its token up."""
    fields = talk.fields()
    token = talk.token(fields)
    refused, again = talk.post(fields, token, file=None), talk.post(fields, token)
    seen = f"After {said(refused)!r} the same token gets {said(again)!r}.".replace(token, "…")
    return Finding(seen, {"error_spends": again.status_code != OK}, note="The client makes a new token either way.")


def payload(talk: Talk) -> Finding:
    """See whether signed JSON is compared as text, or as what it says."""
    signed = talk.fields(customMetadata="{}")
    talk.details(signed)
    reply = talk.post({**signed, "customMetadata": "{ }"}, talk.token(signed))
    how = "json" if reply.status_code == OK else "text"
    note = "The client sends the very text that it signed."
    return Finding(f"Signed as {{}} and sent as {{ }}: {said(reply)}", {"payload": how}, note=note)


def other_claims(talk: Talk) -> Finding:
    """See whether a claim of the standard, such as `jti`, is a mismatch."""
    fields = talk.fields()
    reply = talk.post(fields, talk.token({**fields, "jti": "1"}))
    how = "ignore" if reply.status_code == OK else "refuse"
    return Finding(f"With a jti: {said(reply)}", {"other_claims": how}, note="The client sends none.")


def leeway(talk: Talk) -> Finding:
    """See for how long an expired token is still taken."""
    fields = talk.fields()
    taken = 0.0
    for late in (5, 30, 120):
        if talk.post(fields, talk.token(fields, late=late)).status_code != OK:
            break
        taken = float(late)
    seen = f"It takes one that has been over for {taken:.0f} s." if taken else "Not for 5 s."
    return Finding(seen, {"leeway": taken})


def clock(talk: Talk) -> Finding:
    """See how far the service's clock is from this one."""
    reply = talk.http.get(f"{talk.account.api_url}/v1/files?limit=1", auth=(str(talk.account.key()), ""))
    off = parsedate_to_datetime(reply.headers["date"]).timestamp() - time.time()
    wanted = max(Policy().clock_skew, round(abs(off) * 2))
    return Finding(f"By {off:+.0f} s.", policy={"clock_skew": wanted})


def suffix(talk: Talk) -> Finding:
    """See how long the suffix is that makes a name unique."""
    name = talk.details(talk.fields("suffix.png"))["name"]
    made = name.removeprefix("suffix_").removesuffix(".png")
    return Finding(f"suffix.png became {name}.", {"suffix_length": len(made)}, note="The client makes its own.")


def names(talk: Talk) -> Finding:
    """See whether characters that are not letters or numerals are kept in names and folders."""
    reply = talk.post({**talk.fields("a b.png"), "folder": f"{talk.folder}/a b"})
    seen = reply.json()["filePath"] if reply.status_code == OK else said(reply)
    how = "keep" if reply.status_code == OK and "/a b/a b" in seen else "replace"
    note = 'The client replaces them; Policy(names="as_given") sends them unchanged.'
    return Finding(f"'a b/a b.png': {seen}", {"names": how}, note=note)


def on_request(talk: Talk) -> Finding:
    """See which fields an answer has only if `responseFields` asks."""
    names = Rules().on_request
    asked = talk.details(talk.fields(responseFields=",".join(names)))
    unasked = talk.details(talk.fields())
    never = [name for name in names if name not in asked]  # of which nothing is learnt
    only = tuple(name for name in names if name not in unasked)
    seen = f"{', '.join(name for name in only if name not in never) or 'None'}"
    seen += f"; not even then: {', '.join(never)}" if never else ""
    return Finding(f"{seen}.", {"on_request": only})


def preflight(talk: Talk) -> Finding:
    """See whether a browser's OPTIONS request is granted."""
    asks = {"Origin": "https://shop.example", "Access-Control-Request-Method": "POST"}
    reply = talk.http.options(talk.account.upload_url, headers=asks)
    granted = reply.is_success and "access-control-allow-origin" in reply.headers
    return Finding(f"It answers {reply.status_code}.", {"preflight": granted}, note="The widget needs none.")


def drafts(talk: Talk) -> Finding:
    """See whether the account's plan allows `isPublished=false`."""
    reply = talk.post(talk.fields(isPublished="false"))
    return Finding(f"It says: {said(reply)}", {"drafts": reply.status_code == OK})


def index_lag(talk: Talk) -> Finding:
    """See how long it takes until a stored file appears in a search."""
    begun = time.monotonic()
    lag = talk.found_after(talk.details(talk.fields())["name"], begun)
    if lag is None:
        return Finding("Longer than this program waits.", note="Policy(index_lag=…) must be far longer; look by hand.")
    wanted = max(Policy().index_lag, float(round(lag * 3)))
    return Finding(f"{lag:.1f} s.", {"index_lag": float(round(lag))}, {"index_lag": wanted})


def unsigned(talk: Talk) -> Finding:
    """See what a private file's address answers without a signature."""
    kept = talk.details(talk.fields(isPrivateFile="true"))
    status, signed = talk.get(kept), talk.get(kept, signed=True)
    return Finding(f"{status}; with one it is {signed}.", {"unsigned_status": status})


def private_files(talk: Talk) -> Finding:
    """See whether `isPrivateFile` is felt on files that are no images."""
    status = talk.get(talk.details(talk.fields("a.txt", isPrivateFile="true"), b"no image"))
    return Finding(f"A text answers {status}.", {"private_files": "images" if status == OK else "all"})


def bad_signature(talk: Talk) -> Finding:
    """See what a signature that does not hold does on a public file."""
    status = talk.get(talk.details(talk.fields()), query={"ik-s": "0" * 40})
    return Finding(f"It answers {status}.", {"bad_signature": "ignore" if status == OK else "refuse"})


def unknown_steps(talk: Talk) -> Finding:
    """See what becomes of a transformation that is not known."""
    status = talk.get(talk.details(talk.fields()), transformation="zz-1")
    return Finding(f"It answers {status}.", {"unknown_steps": "ignore" if status == OK else "refuse"})


def pre_transformation(talk: Talk) -> Finding:
    """See whether an image's pre-transformation is queued, or done at once."""
    reply = talk.post(talk.fields("pre.png", transformation='{"pre":"w-10"}', useUniqueFileName="false"))
    if reply.status_code not in (OK, 202):
        return Finding(f"It says: {said(reply)}", note="So this could not be found out.")
    if reply.status_code != OK:
        talk.found_after("pre.png", time.monotonic())  # so that it can be deleted
    how = "images-at-once" if reply.status_code == OK else "queued"
    return Finding(f"It answers {reply.status_code}.", {"pre_transformation": how}, note="The client takes either.")


GUESSES: tuple[Callable[[Talk], Finding], ...] = (
    used_token,
    error_spends,
    payload,
    other_claims,
    leeway,
    clock,
    suffix,
    names,
    on_request,
    preflight,
    drafts,
    index_lag,
    pre_transformation,
)
DELIVERED: tuple[Callable[[Talk], Finding], ...] = (unsigned, private_files, bad_signature, unknown_steps)
"""These need the account's `url_endpoint`."""
