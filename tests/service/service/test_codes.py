"""Every code of the closed list can happen: each is produced through the public functions, by real servers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import pandas as pd
import pytest
from doubles import RawServer, answering, signing, silent
from rows import at, blobs, quiet
from test_messages import ALONE, STOPPING, with_text

import ikpipe

if TYPE_CHECKING:
    from doubles import Site, Talk

    from ikpipe import Account
    from ikpipe.emulator import Emulator

PAGE = Path(__file__).parents[3] / "docs" / "errors.md"
NOBODY = "http://127.0.0.1:9"  # no port that is given to a server which asks for any

SOON = ikpipe.Policy(unique_names="service", first_wait=0.01, index_lag=0.1)
"""No long waits; and nobody can look for a row in doubt, whose name only the service knows."""


class Stage(NamedTuple):
    """What a code may be produced with."""

    emulator: Emulator
    emulate: Callable[..., Emulator]
    site: Site
    folder: Path


Producer = Callable[[Stage], "pd.DataFrame | ikpipe.Result"]


def sent(account: Account, frame: pd.DataFrame | None = None, **options: Any) -> pd.DataFrame:
    """Upload a frame, or one small file, row after row and without second attempts."""
    options = {"file_name": "a.bin", "retries": 0, "concurrency": 1, "policy": SOON, **options}
    return quiet(blobs(b"abc") if frame is None else frame, account, **options)


def cell(name: str, value: Any) -> Producer:
    """Upload a sound row in which one cell is not."""
    frame = pd.DataFrame([{"file": b"abc", name: value}], dtype=object)
    return lambda stage: sent(stage.emulator.account, frame, columns={name: name})


def alone(code: str) -> Producer:
    """Have the service refuse one request, as the test of its messages does."""
    return lambda stage: ALONE[code](stage.emulator)


def ruled(rules: dict[str, Any], **options: Any) -> Producer:
    """Upload to an emulator with rules of its own."""
    return lambda stage: sent(stage.emulate(**rules).account, **options)


def altered(account: Account, **parts: Any) -> ikpipe.Account:
    """Give the account with other keys, addresses or limits."""
    known = {"public_key": account.public_key, "private_key": account.private_key, "upload_url": account.upload_url}
    return ikpipe.Account(**{**known, **parts})


def out_of_range(stage: Stage) -> pd.DataFrame:
    """Give a metadata field, which the account has, a value beyond its limits."""
    emulator = stage.emulate()
    field = {"name": "price", "label": "Price", "schema": {"type": "Number", "minValue": 0}}
    fields = f"{emulator.url}/v1/customMetadataFields"
    httpx.post(fields, json=field, auth=(emulator.private_key, "")).raise_for_status()
    return sent(emulator.account, blobs(b"abc", custom_metadata=[{"price": -1}]))


def url_unreachable(stage: Stage) -> pd.DataFrame:
    """Probe a URL; what `check` finds is what `upload` would call invalid."""
    found = ikpipe.check(
        pd.DataFrame({"file": [f"{stage.site.url}/missing.jpg"]}), probe=True, fetch_hosts=["127.0.0.1"]
    )
    return found.rename(columns={"code": "ik_error", "message": "ik_message"}).assign(ik_status="invalid")


def name_taken(stage: Stage) -> pd.DataFrame:
    """Upload one file twice, under a name that is fixed."""
    options: Any = {"folder": "/codes", "use_unique_file_name": False, "overwrite_file": False}
    sent(stage.emulator.account, **options)
    return sent(stage.emulator.account, **options)


def too_many_versions(stage: Stage) -> pd.DataFrame:
    """Replace a file that has as many versions as it can have."""
    account = stage.emulate(max_versions=1).account
    sent(account, use_unique_file_name=False)
    return sent(account, use_unique_file_name=False)


def library_unreadable(stage: Stage) -> pd.DataFrame:
    """Compare with a library that always fails."""
    with RawServer(answering(500, {"message": "Sorry."})) as server:
        account = altered(stage.emulator.account, api_url=server.url)
        return sent(account, on_existing="sync", policy=ikpipe.Policy(first_wait=0.01))


def update_failed(stage: Stage) -> pd.DataFrame:
    """Change the details of a file in a library that refuses to."""
    file = {"fileId": "1", "name": "a.bin", "filePath": "/a.bin", "size": 3}
    with RawServer(answering(200, [file]), answering(400, {"message": "No."})) as server:
        account = altered(stage.emulator.account, api_url=server.url)
        return sent(account, on_existing="sync", tags="red", file_name="a.bin")


def signer_failed(stage: Stage) -> pd.DataFrame:
    """Ask an authentication endpoint that is ill."""
    with signing(stage.emulator.private_key, status=500) as signer:
        account = altered(stage.emulator.account, private_key=None, authentication_endpoint=signer.url)
        return sent(account)


def with_signer(status: int) -> Producer:
    """Ask an authentication endpoint that answers with this status."""

    def ask(stage: Stage) -> pd.DataFrame:
        with signing(stage.emulator.private_key, status=status, answer=lambda _token: {"message": "No."}) as signer:
            account = altered(stage.emulator.account, private_key=None, authentication_endpoint=signer.url)
            return sent(account)

    return ask


def wait_too_long(stage: Stage) -> pd.DataFrame:
    """Send to a service that is to be asked again tomorrow."""
    busy = "You have sent too many requests to update the file recently. Please try again later."
    with RawServer(answering(400, {"message": busy}, "Retry-After: 86400")) as server:
        return sent(at(stage.emulator.account, server.url), retries=5)


def token_invalid(stage: Stage) -> pd.DataFrame:
    """Sign with the key of another account."""
    account = altered(stage.emulator.account, private_key="private_of_somebody_else=", api_url=stage.emulator.url)
    return sent(account, policy=ikpipe.Policy(index_lag=0.1))


def file_changed(stage: Stage) -> pd.DataFrame:
    """Empty a file as soon as its headers have arrived: most of it is then still to be read."""
    path = stage.folder / "long.bin"
    with path.open("wb") as file:
        file.truncate(20_000_000)

    def act(talk: Talk) -> None:
        talk.head()
        path.write_bytes(b"")
        while talk.connection.recv(1 << 20):
            pass

    with RawServer(act) as server:
        return sent(at(stage.emulator.account, server.url), pd.DataFrame({"file": [path]}))


def timed_out(stage: Stage) -> pd.DataFrame:
    """Send to a server that reads and says nothing; a connection that was slow to open is opened again."""
    with RawServer(silent) as server:
        return sent(at(stage.emulator.account, server.url), timeout=0.1, retries=5)


PRODUCERS: dict[str, Producer] = {
    "missing_file": cell("file", None),
    "file_not_allowed": cell("file", "/etc/passwd"),
    "file_not_found": cell("file", Path(__file__) / "below"),
    "file_unreadable": cell("file", Path(__file__).parent),
    "file_too_large": lambda stage: sent(altered(stage.emulator.account, max_file_size=2)),
    "bad_file": cell("file", 12),
    "missing_name": lambda stage: sent(stage.emulator.account, file_name=None),
    "missing_cell": lambda stage: sent(stage.emulator.account, blobs(b"abc", sku=[None]), file_name="{sku}.bin"),
    "not_boolean": cell("is_private_file", "perhaps"),
    "too_long": cell("tags", "t" * 501),
    "bad_character": cell("tags", "100%"),
    "too_deep": cell("folder", "a/" * 51),
    "bad_coordinates": cell("custom_coordinates", "1,2,3"),
    "bad_json": cell("custom_metadata", "{brand: x}"),
    "bad_url": cell("webhook_url", "ftp://x.test"),
    "unreadable_value": cell("tags", 10**5000),
    "unknown_name": cell("response_fields", "colour"),
    "wrong_type": cell("description", {"a": 1}),
    "lost_digits": cell("description", 1e20),
    "out_of_range": out_of_range,
    "same_target": lambda stage: sent(stage.emulator.account, blobs(b"1", b"2"), use_unique_file_name=False),
    "unique_name": lambda stage: sent(
        stage.emulator.account, blobs(b"1", use_unique_file_name=["yes"]), on_existing="skip"
    ),
    "url_unreachable": url_unreachable,
    "token_missing": alone("token_missing"),
    "token_expired": alone("token_expired"),
    "token_invalid": token_invalid,
    "payload_mismatch": alone("payload_mismatch"),
    "two_credentials": alone("two_credentials"),
    "file_missing": alone("file_missing"),
    "name_taken": name_taken,
    "too_many_versions": too_many_versions,
    "upload_quota": ruled(STOPPING["upload_quota"]),
    "extension_quota": ruled(STOPPING["extension_quota"], extensions=[{"name": "remove-bg"}]),
    "busy": ruled({"busy": "*", "busy_times": 99}),
    "rate_limited": ruled({"upload_rate": 0}),
    "bad_transformation": alone("bad_transformation"),
    "bad_checks": alone("bad_checks"),
    "checks_failed": alone("checks_failed"),
    "key_missing": ruled(STOPPING["key_missing"]),
    "account_refused": ruled(STOPPING["account_refused"]),
    "key_expired": ruled(STOPPING["key_expired"]),
    "account_disabled": ruled(STOPPING["account_disabled"]),
    "refused": cell("file", f"{NOBODY}/a.jpg"),
    "connection_failed": lambda stage: sent(at(stage.emulator.account, NOBODY)),
    "wait_too_long": wait_too_long,
    "signer_failed": signer_failed,
    "signer_refused": with_signer(403),
    "signer_unauthorized": with_signer(401),
    "fetch_failed": lambda stage: sent(
        stage.emulator.account,
        pd.DataFrame({"file": [f"{stage.site.url}/missing.jpg"]}),
        fetch="client",
        fetch_hosts=["127.0.0.1"],
    ),
    "library_unreadable": library_unreadable,
    "update_failed": update_failed,
    "size_differs": lambda stage: sent(stage.emulator.account, transport=with_text("abc\r\n", "abcd\r\n")),
    "file_changed": file_changed,
    "server_error": ruled({"outage": 503}),
    "connection_lost": ruled({"faults": {"reset-after": 1.0}}),
    "timed_out": timed_out,
    "bad_reply": ruled({"faults": {"non-json": 1.0}}),
    "cancelled": ruled({"account_disabled": True}, frame=blobs(b"1", b"2")),
}
"""Code → how to get it, as the end of the last row."""


def end_of(produce: Producer, stage: Stage) -> tuple[object, object, object]:
    """Give status, code and message of the last row, also of a run that was stopped."""
    try:
        found = produce(stage)
    except ikpipe.AccountError as stopped:
        found = stopped.results
    assert found is not None
    if isinstance(found, ikpipe.Result):
        return found.status, found.error, found.message
    status, error, message = found.iloc[-1][["ik_status", "ik_error", "ik_message"]]
    return status, error, message


@pytest.mark.parametrize("code", ikpipe.CODES)
def test_a_code_can_happen(
    code: str, emulator: Emulator, emulate: Callable[..., Emulator], site: Site, tmp_path: Path
) -> None:
    """There is a row that ends with each code, in the status that the list says it comes with most, and with words."""
    status, error, message = end_of(PRODUCERS[code], Stage(emulator, emulate, site, tmp_path))
    assert (error, status) == (code, ikpipe.CODES[code].status)
    assert isinstance(message, str)
    assert message.strip()


def test_no_code_is_made_up() -> None:
    """What is produced here is on the list: a code that is taken off it leaves nothing behind."""
    assert set(PRODUCERS) <= set(ikpipe.CODES)


@pytest.mark.parametrize("code", ikpipe.CODES)
def test_a_code_can_be_looked_up(code: str) -> None:
    """The page as a user reads it has each code in one line with its status, what it means and what to do."""
    cells = [cell.replace("`", "") for cell in (code, *ikpipe.CODES[code])]
    assert all(cells)
    page = PAGE.read_text(encoding="utf-8").replace("`", "").replace(r"\|", "|")
    assert f"| {' | '.join(cells)} |" in page.splitlines()
