"""Keys and tokens show nowhere: runs fail in each way, and everything that they leave behind is searched."""

from __future__ import annotations

import base64
import json
import logging
import re
import traceback
import warnings
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any

import httpx
import pandas as pd
import pyarrow.parquet as pq
import pytest
from doubles import RawServer, answering, reset_after, reset_before, signing, silent

import ikpipe
import ikpipe.webhooks
from ikpipe.auth import Allow, SigningRequest, SigningService
from ikpipe.auth.bearer_tokens import bearers
from ikpipe.emulator import Emulator
from ikpipe.journal.entries import Intent
from ikpipe.request.token import read_token

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from doubles import Talk

KEY = "private_ThisOneMustNotShowAnywhere0123456789="
COOKIE = "session-of-somebody-0123456789"
PUBLIC = "public_ThisOneMay="

# A row in doubt is looked for at once: the look-up has the key in its header.
SWIFT = ikpipe.Policy(index_lag=0, first_wait=0.01)

# What the key looks like in a basic-auth header, and what a token looks like.
SECRETS = (KEY, COOKIE, base64.b64encode(f"{KEY}:".encode()).decode()[:-4])
TOKEN = re.compile(r"eyJ[\w-]{8,}\.[\w-]{8,}")


def assert_clean(text: str) -> None:
    """Fail if a text has a secret; the message does not show it either."""
    assert not [secret[:8] for secret in SECRETS if secret in text], "a key or cookie shows"
    assert not [match.start() for match in TOKEN.finditer(text)], "a token shows"


class Stage:
    """Where a scenario plays: an account whose secrets are known, and a place for servers."""

    def __init__(self, stack: ExitStack) -> None:
        self.stack = stack

    def emulator(self, **rules: Any) -> str:
        """Start an emulator of the account, and give its origin."""
        return self.stack.enter_context(Emulator(public_key=PUBLIC, private_key=KEY, **rules)).url

    def raw(self, act: Callable[[Talk], None]) -> str:
        """Start a raw server, and give its origin."""
        return self.stack.enter_context(RawServer(act)).url

    def account(self, origin: str, **options: Any) -> ikpipe.Account:
        """Give the account, served at an origin."""
        options = {"upload_url": f"{origin}/api/v2/files/upload", "api_url": origin, **options}
        return ikpipe.Account(PUBLIC, options.pop("private_key", KEY), **options)

    def remote(self, signer: str, origin: str) -> ikpipe.Account:
        """Give the account of somebody who must not hold the key, but a session."""
        headers = {"Cookie": COOKIE}
        return self.account(origin, private_key=None, authentication_endpoint=signer, headers=headers)


def echo(talk: Talk) -> None:
    """Answer with a refusal that repeats the whole request."""
    request = talk.request()
    body = json.dumps({"message": request.body.decode(), "help": request.body.decode()}).encode()
    talk.connection.sendall(b"HTTP/1.1 400 Bad\r\nContent-Length: %d\r\n\r\n" % len(body) + body)


def mirror(talk: Talk) -> None:
    """Answer 200 with a page that repeats the whole request."""
    request = talk.request()
    talk.connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body) + request.body)


class Broken(httpx.AsyncBaseTransport):
    """Somebody's transport that has a bug, found when the body is read."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Read the body, and fail."""
        await request.aread()
        raise LookupError("a bug of somebody's")


def hung_up(_label: Any, _result: Any) -> None:
    """Be a callback with a bug."""
    raise LookupError("a callback's bug")


def down(stage: Stage) -> str:
    """Give an origin at which nobody listens any more."""
    with RawServer(silent) as server:
        return server.url


Scenario = tuple[ikpipe.Account, dict[str, Any]]

SCENARIOS: dict[str, Callable[[Stage], Scenario]] = {
    "all is well": lambda on: (on.account(on.emulator()), {}),
    "with metadata": lambda on: (on.account(on.emulator()), {"custom_metadata": {"brand": "x"}}),
    "wrong key": lambda on: (on.account(on.stack.enter_context(Emulator(public_key=PUBLIC)).url), {}),
    "wrong key at the library": lambda on: (
        on.account(on.stack.enter_context(Emulator(public_key=PUBLIC)).url),
        {"custom_metadata": {"brand": "x"}},
    ),
    "library down": lambda on: (on.account(on.emulator(), api_url=down(on)), {"custom_metadata": {"brand": "x"}}),
    "library mirrors": lambda on: (
        on.account(on.emulator(), api_url=on.raw(mirror)),
        {"custom_metadata": {"brand": "x"}},
    ),
    "disabled": lambda on: (on.account(on.emulator(account_disabled=True)), {}),
    "quota": lambda on: (on.account(on.emulator(upload_quota=1)), {}),
    "refused": lambda on: (on.account(on.emulator()), {"checks": "no syntax"}),
    "refused with an echo": lambda on: (on.account(on.raw(echo)), {}),
    "bad reply": lambda on: (on.account(on.raw(mirror)), {}),
    "cut before": lambda on: (on.account(on.raw(reset_before)), {}),
    "cut after": lambda on: (on.account(on.raw(reset_after)), {}),
    "no answer": lambda on: (on.account(on.raw(silent)), {"timeout": 0.1}),
    "network down": lambda on: (on.account(down(on)), {}),
    "server error": lambda on: (on.account(on.raw(answering(500, b""))), {}),
    "signer down": lambda on: (on.remote(down(on), on.emulator()), {}),
    "signer ill": lambda on: (
        on.remote(on.stack.enter_context(signing(KEY, status=500)).url, on.emulator()),
        {},
    ),
    "signer mistaken": lambda on: (
        on.remote(on.stack.enter_context(signing(KEY, answer=lambda token: [token])).url, on.emulator()),
        {},
    ),
    "signer repeats": lambda on: (
        on.remote(
            on.stack.enter_context(
                signing(KEY, answer=lambda token, seen=[]: (seen.append(token), {"token": seen[0]})[1])
            ).url,
            on.emulator(used_token="used-before"),
        ),
        {},
    ),
    "broken transport": lambda on: (on.account(on.emulator()), {"transport": Broken()}),
    "broken callback": lambda on: (on.account(on.emulator()), {"on_result": hung_up}),
    "wrong mapping": lambda on: (on.account(on.emulator()), {"file_nam": "a"}),
    "raise": lambda on: (on.account(on.emulator()), {"checks": "no syntax", "on_error": "raise"}),
}


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_secrets_show_nowhere(
    scenario: str, tmp_path: Path, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    """Whatever a run comes to, no key, cookie or token is in its logs, errors, results, files or output."""
    caplog.set_level(logging.NOTSET)
    with ExitStack() as stack:
        account, options = SCENARIOS[scenario](Stage(stack))
        outcome = run(account, options)
    results = outcome if isinstance(outcome, pd.DataFrame) else getattr(outcome, "results", None)
    assert_clean(repr(account) + str(account))
    assert_clean("\n".join(f"{record.getMessage()} {record.__dict__}" for record in caplog.records))
    assert_clean("".join(capfd.readouterr()))
    if isinstance(outcome, Exception):
        assert_clean(told(outcome))
    if results is not None:
        assert_clean(written(results, tmp_path))


def run(account: ikpipe.Account, options: dict[str, Any]) -> pd.DataFrame | Exception:
    """Upload some rows, and retry them, with progress drawn on standard error."""
    frame = pd.DataFrame({"file": [b"1", b"2", b"3"], "sku": ["a", "b", "c"]})
    options = {"file_name": "{sku}.bin", "retries": 1, "concurrency": 3, "policy": SWIFT, **options}
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            results = ikpipe.upload(frame, account, **options)
            return ikpipe.retry(results, account, retries=0, policy=SWIFT, timeout=options.get("timeout"))
        except ikpipe.Error as error:
            return error


def told(error: Exception) -> str:
    """Write an error in every way in which people see one, with the variables of each frame."""
    whole = traceback.TracebackException.from_exception(error, capture_locals=True)
    return "".join([str(error), repr(error), *whole.format()])


def written(results: pd.DataFrame, folder: Path) -> str:
    """Write results to every kind of file, and give all the text."""
    for ending in ("csv", "jsonl", "parquet"):
        ikpipe.write_results(results, folder / f"results.{ending}")
    parquet = pq.read_table(folder / "results.parquet")
    texts = [(folder / f"results.{ending}").read_text() for ending in ("csv", "jsonl")]
    texts += [str(parquet.to_pydict()), str(parquet.schema.metadata)]
    texts += [
        ikpipe.gallery(results, label="sku").document("Results", {}),
        ikpipe.gallery(results)._repr_html_(),
        results.to_html(),
        results.to_csv(),
        repr(results.attrs),
    ]
    return "\n".join(texts)


def test_the_search_finds_what_shows() -> None:
    """The search is no idle one: it finds a key, a header and a token where they do show."""
    account = ikpipe.Account(PUBLIC, KEY)
    token = ikpipe.sign({"file_name": "a"}, account)
    for text in (str(account.private_key), base64.b64encode(f"{KEY}:".encode()).decode(), f"token={token!s}"):
        with pytest.raises(AssertionError, match="shows"):
            assert_clean(text)


def test_a_token_and_an_account_hide_in_their_repr() -> None:
    """What a notebook's cell shows of them is no secret."""
    account = ikpipe.Account(PUBLIC, KEY, authentication_endpoint="http://x.test", headers={"Cookie": COOKIE})
    token = ikpipe.sign({"file_name": "a"}, account)
    assert_clean(f"{account!r} {token!r} {[token]} {vars(account)['private_key']!r}")


def test_a_mistake_in_the_environment_shows_no_key(monkeypatch: pytest.MonkeyPatch) -> None:
    """The traceback of a bad address in the environment does not show the key that was read beside it."""
    monkeypatch.setenv("IMAGEKIT_PUBLIC_KEY", PUBLIC)
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", KEY)
    monkeypatch.setenv("IMAGEKIT_UPLOAD_URL", "upload.imagekit.io")
    with pytest.raises(ikpipe.AccountError) as caught:
        ikpipe.Account.from_env()
    assert_clean(told(caught.value))


def test_a_mistake_in_a_profile_shows_no_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nor does that of a profile's name or setting that does not exist."""
    monkeypatch.setattr("platformdirs.user_config_path", lambda _name: tmp_path)
    (tmp_path / "config.toml").write_text(
        f'[shop]\npublic_key = "{PUBLIC}"\nprivate_key = "{KEY}"\nprivat = 1\nheaders.Cookie = "{COOKIE}"\n'
    )
    for profile in ("shop", "shpo"):
        with pytest.raises(ikpipe.AccountError) as caught:
            ikpipe.Account.from_env(profile)
        assert_clean(told(caught.value))


@pytest.mark.parametrize(
    ("keys", "options"),
    [
        ((PUBLIC, KEY), {"upload_url": "upload.imagekit.io"}),
        ((PUBLIC, KEY), {"api_url": f"http://a:{KEY}@["}),
        ((PUBLIC, f"{KEY} x"), {}),
        ((PUBLIC, f"{KEY}ä"), {}),
        ((PUBLIC, [KEY]), {}),
        ((PUBLIC, KEY.encode()), {}),
        ((KEY, PUBLIC), {}),
        (("", KEY), {}),
        ((PUBLIC, KEY), {"headers": {"Cookie": f"{COOKIE}\nX: y"}}),
        ((PUBLIC, KEY), {"headers": [COOKIE]}),
        ((PUBLIC, KEY), {"headers": {"Cookie": COOKIE}, "authentication_endpoint": "x"}),
        ((PUBLIC, KEY), {"headers": {"Cookie": COOKIE}, "url_endpoint": f"ftp://x/?key={COOKIE}"}),
    ],
)
def test_the_traceback_of_a_wrong_account_shows_no_secret(keys: tuple[Any, Any], options: dict[str, Any]) -> None:
    """None of ikpipe's frames has one among its variables, its arguments included."""
    with pytest.raises(ikpipe.AccountError) as caught:
        ikpipe.Account(*keys, **options)
    trace = caught.value.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == __file__:  # the caller has what it gave
        trace = trace.tb_next
    assert trace is not None
    assert_clean(told(caught.value.with_traceback(trace)))
    shown = [repr(value) for frame, _ in traceback.walk_tb(trace) for value in frame.f_locals.values()]
    assert_clean("\n".join(shown))


def own_frames(error: BaseException) -> str:
    """Write the variables of all frames of an error but the tests' own."""
    frames = [frame for frame, _ in traceback.walk_tb(error.__traceback__)]
    return repr([frame.f_locals for frame in frames if frame.f_code.co_filename != __file__])


@pytest.mark.parametrize("name", ["PUBLIC_KEY", "PRIVATE_KEY", "API_URL"])
def test_a_mistake_in_each_variable_shows_no_key(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whichever is wrong, also where a key is in the wrong one."""
    there = {"IMAGEKIT_PUBLIC_KEY": PUBLIC, "IMAGEKIT_PRIVATE_KEY": KEY, f"IMAGEKIT_{name}": f"{KEY} {KEY}"}
    for variable, value in there.items():
        monkeypatch.setenv(variable, value)
    with pytest.raises(ikpipe.AccountError) as caught:
        ikpipe.Account.from_env()
    assert_clean(str(caught.value) + own_frames(caught.value))


@pytest.mark.parametrize("secret", [COOKIE, [COOKIE], [COOKIE, ""]])
def test_a_webhook_s_secret_shows_in_no_traceback(secret: Any) -> None:
    """Neither as one is verified, nor as an endpoint is made."""
    headers = {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "v1,x"}
    with pytest.raises(ikpipe.Error) as caught:
        ikpipe.webhooks.verify(b"{}", headers, secret)
    assert_clean(own_frames(caught.value))
    if isinstance(secret, list) and "" in secret:
        with pytest.raises(ikpipe.Error) as caught:
            ikpipe.webhooks.endpoint(secret, print)
        assert_clean(own_frames(caught.value))


@pytest.mark.parametrize("wrong", [f"shop {COOKIE} more", f"shop {COOKIE}\nother {COOKIE}", "shop short", "\udcff"])
def test_a_file_of_callers_shows_no_token(wrong: str, tmp_path: Path) -> None:
    """In what its reader says, and in the variables of its frames."""
    path = tmp_path / "callers.txt"
    path.write_bytes(f"first {COOKIE}-1\n{wrong}\n".encode(errors="surrogateescape"))
    with pytest.raises(ikpipe.Error) as caught:
        bearers(path)
    assert str(path) in str(caught.value)
    assert_clean(str(caught.value) + own_frames(caught.value))


def test_a_file_of_callers_that_others_can_read(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Is named, with the command that closes it."""
    path = tmp_path / "callers.txt"
    path.write_text(f"shop {COOKIE}\n")
    path.chmod(0o644)
    bearers(path)
    assert f"chmod 600 {path}" in caplog.text
    assert_clean(caplog.text)


def test_an_endpoint_s_answer_hides_its_token() -> None:
    """Where somebody logs it; what is sent has it."""
    asked = {"uploadPayload": {"fileName": "a.jpg", "useUniqueFileName": "true"}, "expire": 60, "publicKey": PUBLIC}
    allow = {"parameters": ["fileName", "useUniqueFileName"], "folders": ["/"], "who": lambda _: "a"}
    service = SigningService(ikpipe.Account(PUBLIC, KEY), allow=Allow(**allow))
    reply = service.answer(SigningRequest("POST", [("Content-Type", "application/json")], json.dumps(asked).encode()))
    assert reply.status == 200
    assert_clean(f"{reply!r} {vars(service)!r}")
    assert TOKEN.search(reply.body.decode())


def test_a_remote_token_in_a_journal_s_entry_hides() -> None:
    """A journal that cannot be written has entries in the variables of its frames."""
    token = read_token(200, {"token": str(ikpipe.sign({"file_name": "a"}, ikpipe.Account(PUBLIC, KEY)))})
    assert_clean(repr(Intent(0, token.iat, token.exp, 0.0, token.text)))


def test_the_uploader_s_state_has_no_secret() -> None:
    """What the kernel sends to a page, and a notebook keeps."""
    account = ikpipe.Account(PUBLIC, KEY, headers={"Cookie": COOKIE})
    uploader = ikpipe.Uploader(account)
    assert_clean(repr(uploader.get_state()) + repr(uploader) + json.dumps(uploader.get_state(), default=vars))
    uploader.close()
