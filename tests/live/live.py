"""`make live`: checks the project's assumptions against the real service, with your account.

It uploads to a new folder, deletes it afterwards, and prints for each assumption what the service does.
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
NO_KEYS = f"""make live sends requests to the real service and needs an account: set {" and ".join(KEYS)}
(and IMAGEKIT_URL_ENDPOINT, for delivery). Nothing was done."""


def main() -> int:
    """Run all checks if there are keys; return 0 also without them, 1 if something failed or could not be deleted."""
    if not all(os.environ.get(name) for name in KEYS):
        say(NO_KEYS)
        return 0
    return 0 if converse(ikpipe.Account.from_env(), say) else 1


def say(line: str) -> None:
    """Print a line at once."""
    print(line, flush=True)  # noqa: T201 - the program's output


def converse(account: ikpipe.Account, tell: Callable[[str], None]) -> bool:
    """Run all checks; return whether all succeeded and all files are deleted."""
    with httpx.Client(timeout=60) as http:
        talk = Talk(account, http)
        tell(f"{account.upload_url}, key {account.public_key}, folder {talk.folder}")
        try:
            good = check_client(talk, tell)
            for guess in (*GUESSES, *(DELIVERED if account.url_endpoint else ())):
                good &= run_check(guess, talk, tell)
        finally:
            clean = talk.clear(tell)
    return good and clean


def check_client(talk: Talk, tell: Callable[[str], None]) -> bool:
    """Check the client itself: upload two files and tag them."""
    frame = pd.DataFrame({"file": [talk.picture(), talk.picture()]})
    results = frame.pipe(ikpipe.upload, talk.account, file_name="b.png", folder=talk.folder, progress=False)
    talk.stored.update(results["ik_file_id"].dropna())
    uploaded = results["ik_status"].eq("uploaded").sum()
    tagged = results.pipe(ikpipe.add_tags, talk.account, ["ikpipe-live"])["ik_change"].eq("done").sum()
    tell(f"The client: {uploaded} of 2 files uploaded, {tagged} tagged.")
    for message in results["ik_message"].dropna():
        tell(f"  {message}")
    return bool(uploaded == tagged == len(frame))


def run_check(guess: Callable[[Talk], object], talk: Talk, tell: Callable[[str], None]) -> bool:
    """Run one check and print its result; an error does not stop the others."""
    tell(f"\n{guess.__doc__}")
    try:
        lines = guess(talk).lines()  # type: ignore[attr-defined]
    except (httpx.HTTPError, ikpipe.Error, LookupError, ValueError) as error:
        tell(f"  This could not be checked: {error}")
        return False
    for line in lines:
        tell(f"  {line}")
    return True


if __name__ == "__main__":
    sys.exit(main())
