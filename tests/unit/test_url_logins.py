"""Texts for people have no logins and query strings of URLs, and are otherwise as they were."""

from __future__ import annotations

import hypothesis.strategies as st
import pytest
from hypothesis import given

import ikpipe
from ikpipe.errors import describe_exception, keyword, printable, quoted, short_repr
from ikpipe.errors.scrubbing import without_credentials

HIDDEN = {
    "https://joe:pw@shop.example/x.jpg": "https://***@shop.example/x.jpg",
    "see https://shop.example/x?sig=abc, then retry": "see https://shop.example/x?***, then retry",
    "https:/joe:pw@shop.example/x": "https:/***@shop.example/x",
    "s3://key:se/cret@bucket/x": "s3://***@bucket/x",
    "https://joe:a@b@shop.example/x": "https://***@shop.example/x",
    "{'url': 'sftp://joe:pw@shop.example:22/x'}": "{'url': 'sftp://***@shop.example:22/x'}",
    'Invalid bucket name "key:secret@bucket"': 'Invalid bucket name "***@bucket"',
    "joe:pw@shop.example/x.jpg": "***@shop.example/x.jpg",
    "https://joe:pw@[::1]:80/x": "https://***@[::1]:80/x",
}
SHOWN = (
    "https://shop.example:8080/x.jpg",
    "https://shop.example:port/x.jpg",
    "https://shop.example/docs#section",
    "Is it at https://shop.example/x?",
    "joe@example.com",
    "git@example.com:shop/photos",
    "C:/photos/a@b.jpg",
    "data:image/gif;base64,R0lGODlh",
    "tags: a, b@c",
    "10:30",
)


@pytest.mark.parametrize(("text", "clean"), HIDDEN.items())
def test_a_login_or_a_query_is_masked(text: str, clean: str) -> None:
    """The rest of a text says which URL it is."""
    assert without_credentials(text) == clean


@pytest.mark.parametrize("text", SHOWN)
def test_other_text_stays(text: str) -> None:
    """A port, a fragment or an address for e-mail is no login."""
    assert without_credentials(text) == text


PASSWORDS = st.text(st.characters(exclude_categories=["Z", "C"], exclude_characters="/\\?#"), min_size=8, max_size=40)


@given(PASSWORDS, st.sampled_from(["https", "s3", "sftp"]), st.integers(10, 80))
def test_no_text_for_people_has_a_password(password: str, scheme: str, width: int) -> None:
    """Also where a text is cut in its middle."""
    url = f"{scheme}://joe:{password}@shop.example/x.jpg"
    error = ikpipe.MappingError(f"{url} is wrong.", fix=f"Correct {url}.", about=keyword("root", url))
    texts = [
        printable(url),
        quoted(url, width),
        short_repr(url, width),
        describe_exception(ValueError(url)),
        str(error),
    ]
    assert not [text for text in texts if password[:8] in text]
