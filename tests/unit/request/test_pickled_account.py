"""A pickled account: it has no secret, and takes what it lacks from where it is unpickled."""

from __future__ import annotations

import copy
import dataclasses
import json
import pickle
from itertools import count
from typing import TYPE_CHECKING, Any

import pytest

from ikpipe import Account, AccountError, sign
from ikpipe.request.token import LocalSigner

if TYPE_CHECKING:
    from pathlib import Path

KEY = "private_9f2cVerySecret"
COOKIE = "session-hunter2"
ADDRESS = "https://auth.example/sign"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Set no key, know of no account, and put the configuration folder where the test can write."""
    for name in ("PUBLIC_KEY", "PRIVATE_KEY"):
        monkeypatch.delenv(f"IMAGEKIT_{name}", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


NUMBERS = count(1)


def elsewhere_unpickled(account: Account) -> Account:
    """Pickle an account, and unpickle it as a process does that has never seen it: this one has not seen its name."""
    name = account.public_key.encode()
    return pickle.loads(pickle.dumps(account).replace(name, b"%0*d" % (len(name), next(NUMBERS))))  # noqa: S301


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_pickle_has_no_secret(protocol: int) -> None:
    """Neither key nor headers, by any protocol."""
    account = Account("public_a", KEY, authentication_endpoint=ADDRESS, headers={"Cookie": COOKIE})
    pickled = pickle.dumps({"account": account}, protocol)
    assert KEY.encode() not in pickled
    assert COOKIE.encode() not in pickled


@pytest.mark.parametrize(
    "what", [lambda one: one.private_key, lambda one: one.key(), lambda one: dict(one.headers), LocalSigner]
)
def test_a_secret_itself_cannot_be_pickled(what: Any) -> None:
    """Whoever takes it out of its account and sends it on hears what to do instead."""
    account = Account("public_a", KEY, headers={"Cookie": COOKIE})
    with pytest.raises(TypeError, match="ickle the Account instead"):
        pickle.dumps(what(account))


@pytest.mark.parametrize("write", [copy.copy, copy.deepcopy, lambda one: dataclasses.replace(one, max_file_size=None)])
def test_copies_in_a_process_keep_the_secrets(write: Any) -> None:
    """They are as good as the account itself."""
    account = Account("public_a", KEY, authentication_endpoint=ADDRESS, headers={"Cookie": COOKIE})
    twin = write(account)
    assert twin == account
    assert (twin.key(), twin.headers) == (KEY, {"Cookie": COOKIE})
    assert copy.deepcopy({"of": [account]})["of"][0].key() == KEY


@pytest.mark.parametrize(
    "write",
    [
        dataclasses.asdict,
        dataclasses.astuple,
        vars,
        lambda one: one.__getstate__()[0],
        lambda one: {"account": repr(one)},
        lambda one: f"{one} {one!r} {one!s}",
    ],
)
def test_what_writes_an_account_has_no_secret(write: Any) -> None:
    """Not even as JSON, which takes a text that hides for the text that it is."""
    account = Account("public_a", KEY, headers={"Cookie": COOKIE})
    text = json.dumps(write(account), default=vars)
    assert KEY not in text
    assert COOKIE not in text
    assert "public_a" in text


def test_headers_hide() -> None:
    """What is sent to an authentication endpoint is a secret, too."""
    account = Account("public_a", headers={"Cookie": COOKIE})
    assert COOKIE not in repr(account.headers)
    assert COOKIE not in repr(dict(account.headers or {}))


def test_an_address_hides_what_opens_it() -> None:
    """A name and a password before its host, and what is behind a question mark."""
    account = Account("public_a", authentication_endpoint=f"https://me:{COOKIE}@auth.example/sign?token={COOKIE}")
    assert COOKIE not in repr(account)
    assert "'https://***@auth.example/sign?***'" in repr(account)
    with pytest.raises(AccountError) as caught:
        Account("public_a", upload_url=f"ftp://me:{COOKIE}@upload.example/{KEY}")
    assert COOKIE not in str(caught.value)
    assert KEY not in str(caught.value)


def test_in_its_own_process_it_is_whole() -> None:
    """Threads of a cluster on this machine pickle, too."""
    account = Account("public_a", KEY)
    assert pickle.loads(pickle.dumps(account)) == account  # noqa: S301 - our own bytes


@pytest.mark.parametrize("named", [True, False])
def test_the_environment_completes_it(named: bool, monkeypatch: pytest.MonkeyPatch) -> None:  # noqa: FBT001
    """If the public key there is its own, or none is set."""
    there = elsewhere_unpickled(Account("public_a", KEY))
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", f"{KEY}\n")
    if named:
        monkeypatch.setenv("IMAGEKIT_PUBLIC_KEY", there.public_key)
    assert there.key() == KEY
    assert sign({"file_name": "a"}, there)


def test_a_pickle_of_what_was_unpickled_is_completed_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler hands it on, without having a key itself."""
    there = elsewhere_unpickled(elsewhere_unpickled(Account("public_a", KEY)))
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", KEY)
    assert there.key() == KEY


def test_an_environment_of_another_account_does_not_complete_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its key would sign for nobody: the error names both accounts, and no key."""
    there = elsewhere_unpickled(Account("public_a", KEY))
    monkeypatch.setenv("IMAGEKIT_PUBLIC_KEY", "public_b")
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", "private_other")
    assert there.private_key is None
    with pytest.raises(
        AccountError, match=f"has the keys of the account public_b, not those of {there.public_key}"
    ) as caught:
        there.key()
    assert "private_other" not in str(caught.value)


def test_without_a_key_it_says_what_to_set() -> None:
    """When it is used, not when it is unpickled."""
    there = elsewhere_unpickled(Account("public_a", KEY))
    assert repr(there) == repr(Account(there.public_key))
    with pytest.raises(
        AccountError, match=r"does not have the private key.*set IMAGEKIT_PRIVATE_KEY in the environment of each worker"
    ):
        sign({"file_name": "a"}, there)


def test_its_profile_completes_it(tmp_path: Path) -> None:
    """One that was read from a profile finds it where it is, headers as well."""
    (tmp_path / "ikpipe").mkdir()
    config = tmp_path / "ikpipe" / "config.toml"
    config.write_text(f'[shop]\npublic_key = "public_a"\nprivate_key = "{KEY}"\nheaders.Cookie = "{COOKIE}"\n')
    there = elsewhere_unpickled(Account.from_env("shop"))
    config.write_text(config.read_text().replace("public_a", there.public_key))
    assert (there.key(), there.headers) == (KEY, {"Cookie": COOKIE})


def test_a_profile_of_another_account_does_not(tmp_path: Path) -> None:
    """Two machines can call different accounts by one name."""
    (tmp_path / "ikpipe").mkdir()
    config = tmp_path / "ikpipe" / "config.toml"
    config.write_text(f'[shop]\npublic_key = "public_a"\nprivate_key = "{KEY}"\n')
    account = Account.from_env("shop")
    config.write_text('[shop]\npublic_key = "public_b"\nprivate_key = "private_other"\n')
    with pytest.raises(AccountError, match=r"does not have the private key.*set IMAGEKIT_PRIVATE_KEY"):
        elsewhere_unpickled(account).key()


def test_headers_that_are_nowhere_are_named_before_anything_is_sent() -> None:
    """The endpoint would answer each row with 401."""
    account = Account("public_a", authentication_endpoint=ADDRESS, headers={"Cookie": COOKIE})
    account.check()
    with pytest.raises(AccountError, match="does not have the headers of the authentication endpoint"):
        elsewhere_unpickled(account).check()


def test_without_headers_an_endpoint_signs_anywhere() -> None:
    """Nothing is lacking."""
    elsewhere_unpickled(Account("public_a", authentication_endpoint=ADDRESS)).check()
    elsewhere_unpickled(Account("public_a", KEY, authentication_endpoint=ADDRESS)).check()


def test_an_account_without_a_key_takes_that_of_its_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """A scheduler without the key hands out accounts, and the machines that have it sign."""
    there = elsewhere_unpickled(Account("public_a"))
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", KEY)
    assert there.key() == KEY


def test_an_endpoint_signs_without_a_key_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """Somebody without a key does not get one; an account that had one searches the library with its machine's."""
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", KEY)
    assert elsewhere_unpickled(Account("public_a", authentication_endpoint=ADDRESS)).private_key is None
    assert elsewhere_unpickled(Account("public_a", KEY, authentication_endpoint=ADDRESS)).key() == KEY


def test_a_default_profile_of_another_account_is_named(tmp_path: Path) -> None:
    """It is the only account that is set up on that machine."""
    (tmp_path / "ikpipe").mkdir()
    (tmp_path / "ikpipe" / "config.toml").write_text('[default]\npublic_key = "public_b"\nprivate_key = "private_b"\n')
    with pytest.raises(AccountError, match="Its profile 'default' is of the account public_b"):
        elsewhere_unpickled(Account("public_a", KEY)).key()
