"""`make live`: a small conversation with the real service, for somebody who has an account.

It works in a folder of its own, clears it afterwards, and prints for each guess what the service really does.
"""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import httpx
import pandas as pd
from guesses import DELIVERED, GUESSES
from talk import Talk

import ikpipe

if TYPE_CHECKING:
    from collections.abc import Callable

KEYS = ("IMAGEKIT_PUBLIC_KEY", "IMAGEKIT_PRIVATE_KEY")
NO_KEYS = f"""make live talks to the real service, and needs an account: set {" and ".join(KEYS)}
(and IMAGEKIT_URL_ENDPOINT, for delivery). Nothing was done."""


def main() -> int:
    """Talk, if there are keys; 0 also without them, 1 if something failed or is left."""
    if not all(os.environ.get(name) for name in KEYS):
        say(NO_KEYS)
        return 0
    return 0 if converse(ikpipe.Account.from_env(), say) else 1


def say(line: str) -> None:
    """Print a line as soon as it is known."""
    print(line, flush=True)  # noqa: T201 - it is what this program is for


def converse(account: ikpipe.Account, tell: Callable[[str], None]) -> bool:
    """Hold the conversation; tells whether all went well and nothing is left."""
    with httpx.Client(timeout=60) as http:
        talk = Talk(account, http)
        tell(f"{account.upload_url}, as {account.public_key}, in the folder {talk.folder}")
        try:
            good = at_work(talk, tell)
            for guess in (*GUESSES, *(DELIVERED if account.url_endpoint else ())):
                good &= found_out(guess, talk, tell)
        finally:
            clean = talk.clear(tell)
    return good and clean


def at_work(talk: Talk, tell: Callable[[str], None]) -> bool:
    """Let the client itself go its way once: two files up, listed, tagged."""
    frame = pd.DataFrame({"file": [talk.picture(), talk.picture()]})
    results = frame.pipe(ikpipe.upload, talk.account, file_name="b.png", folder=talk.folder, progress=False)
    talk.stored.update(results["ik_file_id"].dropna())
    up = results["ik_status"].eq("uploaded").sum()
    tagged = results.pipe(ikpipe.add_tags, talk.account, ["ikpipe-live"])["ik_change"].eq("done").sum()
    tell(f"The client: {up} of 2 files uploaded, {tagged} tagged.")
    for message in results["ik_message"].dropna():
        tell(f"  {message}")
    return bool(up == tagged == len(frame))


def found_out(guess: Callable[[Talk], object], talk: Talk, tell: Callable[[str], None]) -> bool:
    """Ask one question, and print the answer; one that cannot be had does not hold up the others."""
    tell(f"\n{guess.__doc__}")
    try:
        lines = guess(talk).lines()  # type: ignore[attr-defined]
    except (httpx.HTTPError, ikpipe.Error, LookupError, ValueError) as error:
        tell(f"  This could not be found out: {error}")
        return False
    for line in lines:
        tell(f"  {line}")
    return True


if __name__ == "__main__":
    sys.exit(main())
