"""An account's keys and addresses: where they come from, what is refused, and that no secret shows."""

from __future__ import annotations

import copy
import os
import pickle
from typing import TYPE_CHECKING

import pytest

from ikpipe import Account, AccountError
from ikpipe._account import API_URL, UPLOAD_URL, Secret

if TYPE_CHECKING:
    from pathlib import Path

KEY = "private_9f2cVerySecret"


@pytest.fixture(autouse=True)
def bare_environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Take all of IMAGEKIT_* away, and put the configuration folder where the test can write."""
    for name in [name for name in os.environ if name.startswith("IMAGEKIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """Give the configuration file, which does not exist yet."""
    (tmp_path / "ikpipe").mkdir()
    return tmp_path / "ikpipe" / "config.toml"


# Secrets


def test_no_secret_shows() -> None:
    """Neither the private key nor a header's value is in an account's `repr`."""
    account = Account("public_a", KEY, headers={"Cookie": "hunter2"})
    assert KEY not in repr(account)
    assert "hunter2" not in repr(account)
    assert "'***'" in repr(account)


def test_a_secret_is_its_text() -> None:
    """A secret works like the text that it hides."""
    assert Secret(KEY) == KEY
    assert Secret(KEY).encode() == KEY.encode()


def test_a_copied_account_hides_its_key_too() -> None:
    """Copies, also those that travel to another process, show as little, and sign the same."""
    account = Account("public_a", KEY)
    for twin in (copy.deepcopy(account), pickle.loads(pickle.dumps(account))):  # noqa: S301 - our own bytes
        assert twin == account
        assert KEY not in repr(twin)


def test_swapped_keys_are_refused_without_showing_them() -> None:
    """A private key given as the public one would travel in every token, so it is an error that does not repeat it."""
    with pytest.raises(AccountError, match="swapped") as caught:
        Account(KEY, "public_a")
    assert KEY not in str(caught.value)


# Rules


@pytest.mark.parametrize("key", ["", "  ", "\n"])
def test_an_empty_public_key_is_refused(key: str) -> None:
    """A public key must be there."""
    with pytest.raises(AccountError, match="public key is empty"):
        Account(key, KEY)


@pytest.mark.parametrize("key", ["", "  "])
def test_an_empty_private_key_is_refused(key: str) -> None:
    """A private key may be left out, but not be empty: that is a variable that was not set."""
    with pytest.raises(AccountError, match="private key is empty"):
        Account("public_a", key)


def test_a_private_key_may_be_left_out() -> None:
    """Where an endpoint signs, nobody needs the key; who asks for it hears that there is none."""
    account = Account("public_a", authentication_endpoint="https://shop.example/auth")
    with pytest.raises(AccountError, match="IMAGEKIT_PRIVATE_KEY"):
        account.key()


def test_defaults_are_the_services_addresses() -> None:
    """Without a word, the seed's endpoint and the media API are meant."""
    account = Account("public_a", KEY)
    assert (account.upload_url, account.api_url, account.url_endpoint) == (UPLOAD_URL, API_URL, None)
    assert UPLOAD_URL == "https://upload.imagekit.io/api/v2/files/upload"


def test_a_slash_at_the_end_does_not_matter() -> None:
    """Addresses are kept without the slash that people leave at their end."""
    assert (
        Account("public_a", url_endpoint="https://ik.imagekit.io/demo/").url_endpoint == "https://ik.imagekit.io/demo"
    )


@pytest.mark.parametrize("name", ["authentication_endpoint", "url_endpoint", "upload_url", "api_url"])
@pytest.mark.parametrize("address", ["", "ik.imagekit.io/demo", "ftp://a", "http://", "http://[", "http://a:b"])
def test_an_address_must_be_a_web_address(name: str, address: str) -> None:
    """Whatever is no http(s) URL with a host is an error that names the setting."""
    with pytest.raises(AccountError, match=f"{name} is .*no http"):
        Account("public_a", **{name: address})


# Where it comes from


def test_the_environment_gives_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each of the six variables fills its own setting."""
    values = {
        "PUBLIC_KEY": "public_a",
        "PRIVATE_KEY": KEY,
        "URL_ENDPOINT": "https://ik.example/x",
        "UPLOAD_URL": "https://up.example/u",
        "API_URL": "https://api.example",
        "AUTHENTICATION_ENDPOINT": "https://auth.example/sign",
    }
    for name, value in values.items():
        monkeypatch.setenv(f"IMAGEKIT_{name}", value)
    account = Account.from_env()
    assert {name: getattr(account, name.lower()) for name in values} == values


def test_an_empty_variable_is_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty variable means the default."""
    monkeypatch.setenv("IMAGEKIT_PUBLIC_KEY", "public_a")
    monkeypatch.setenv("IMAGEKIT_PRIVATE_KEY", "")
    monkeypatch.setenv("IMAGEKIT_API_URL", "")
    assert Account.from_env() == Account("public_a")


def test_without_an_account_it_says_what_to_set() -> None:
    """Nothing set is an error that names the variables and the emulator."""
    with pytest.raises(AccountError, match=r"IMAGEKIT_PUBLIC_KEY and IMAGEKIT_PRIVATE_KEY.*--emulator"):
        Account.from_env()


def test_a_profile_is_read(config: Path) -> None:
    """A table of the configuration file has the constructor's names."""
    config.write_text(f'[shop]\npublic_key = "public_s"\nprivate_key = "{KEY}"\nmax_file_size = 5\n', encoding="utf-8")
    assert Account.from_env("shop") == Account("public_s", KEY, max_file_size=5)


def test_a_profiles_headers_are_read(config: Path) -> None:
    """A table of headers goes to the authentication endpoint, and does not show."""
    config.write_text('[shop]\npublic_key = "public_s"\nheaders = {Cookie = "hunter2"}\n', encoding="utf-8")
    account = Account.from_env("shop")
    assert account.headers == {"Cookie": "hunter2"}
    assert "hunter2" not in repr(account)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (None, "does not exist"),
        ("[shops]\n", r"no profile \[shop\] \(nearest: 'shops'\)"),
        ("shop = 3\n", r"no profile \[shop\]"),
        ("[shop\n", "cannot be read"),
        ("[shop]\nprivat_key = 'x'\n", r"no setting 'privat_key' \(nearest: 'private_key'\)"),
        ("[shop]\n", "No ImageKit account here"),
    ],
)
def test_a_wrong_profile_says_so(text: str | None, words: str, config: Path) -> None:
    """A missing file or table, broken TOML, a misspelt setting: each is an `AccountError`."""
    if text is not None:
        config.write_text(text, encoding="utf-8")
    with pytest.raises(AccountError, match=words):
        Account.from_env("shop")


def test_broken_toml_does_not_show_a_key(config: Path) -> None:
    """What the reader of TOML says of a broken file has no secret of it."""
    config.write_text(f"[shop]\nprivate_key = {KEY}\n", encoding="utf-8")
    with pytest.raises(AccountError) as caught:
        Account.from_env("shop")
    assert KEY not in str(caught.value)


def test_a_profile_may_lie_anywhere_but_must_be_readable(config: Path) -> None:
    """A configuration file that is a folder is an `AccountError` too."""
    config.mkdir()
    with pytest.raises(AccountError, match="cannot be read"):
        Account.from_env("shop")
