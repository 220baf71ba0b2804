"""Web addresses go out as a browser would send them: ada, the parser of Node.js, is the peer."""

from __future__ import annotations

from contextlib import suppress
from string import printable

import ada_url
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ikpipe.errors import InvalidValue
from ikpipe.request.urls import last_segment, plain_place, valid_url

hosts = st.sampled_from(
    [
        *(
            "a.example",
            "A.Example",
            "a_b.example",
            "bücher.example",
            "日本語.jp",
            "i❤.ws",
            "faß.de",
            "a。b",
            "localhost",
        ),
        *("\uff21b.example", "127.0.0.1", "[::1]", "xn--bcher-kva.example", "a.example."),
    ]
)
ports = st.sampled_from(["", ":80", ":443", ":8080", ":0080", ":65535", ":"])
users = st.sampled_from(["", "u@", "u:p@", "u%20:ü@", "u:p/w@".replace("/", "!"), "@", "u@v@"])
texts = st.one_of(st.text(), st.text(printable), st.text("%/\\ 'ü\"#?&+[]{}|^`~<>.,;=:@0aA\t\n\x7f"))


def without(text: str, *pieces: str) -> str:
    """Take pieces out of a text, until none is left in it."""
    while any(piece in text for piece in pieces):
        for piece in pieces:
            text = text.replace(piece, "")
    return text


@given(st.sampled_from(["http", "https", "HTTP"]), users, hosts, ports, texts, texts, texts)
@example("http", "", "a.example", "", "/a b/ü.png", "q=ä'", "")
@example("http", "", "a.example", "", "\\a\\b", "c\\d", "e\\f")
def test_it_is_what_a_browser_sends(
    scheme: str, user: str, host: str, port: str, path: str, query: str, fragment: str
) -> None:
    """Spaces, letters of any script, quotes, ports, upper case and international hosts come out as in a browser."""
    # Two things differ, and change no resource: `..` is left to the server, and an empty query loses its mark.
    path, query = without(path, ".", "%2e", "%2E", "?", "#"), without(query, "#")
    text = f"{scheme}://{user}{host}{port}/{path}?q{query}#f{fragment}"
    assert valid_url(text) == ada_url.normalize_url(text)


@given(texts)
def test_it_is_never_mended_twice(path: str) -> None:
    """An address that has been through once is left as it is."""
    once = valid_url(f"https://a.example/{path}")
    assert valid_url(once) == once
    assert once.isascii()


@given(st.one_of(st.text("htp:/\\@?#[]. %a1ü\x00<"), st.text()))
def test_nothing_breaks_it(text: str) -> None:
    """Any text at all is an address in plain ASCII, or a problem; nothing else is raised."""
    with suppress(InvalidValue):
        address = valid_url(f"http://a{text}")
        assert address.startswith("http://")
        assert address.isascii()


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("https://a.example/100% sure.png", "https://a.example/100%%20sure.png"),
        ("https://a.example/a%20b.png", "https://a.example/a%20b.png"),
        ("  https://a.example/x.png\n", "https://a.example/x.png"),
        ("https://a.example/画像.png", "https://a.example/%E7%94%BB%E5%83%8F.png"),
        ("https://a.example", "https://a.example/"),
        ("http:\\\\a.example\\x.png", "http://a.example/x.png"),
        ("https://i❤.ws/x.png", "https://xn--i-7iq.ws/x.png"),
    ],
)
def test_what_people_paste_becomes_an_address(text: str, address: str) -> None:
    """Examples of what is found in cells."""
    assert valid_url(text) == address


@pytest.mark.parametrize(
    "text",
    [
        *("", "a.example/x", "ftp://a.example/x", "http://", "https:///x", "http://a b/", "http://a%20b/"),
        *("http://a:b/", "http://a:99999/", "http://[::1/", "http://[1::2::3]/", "http://a<b>/", "http://\uff05/"),
    ],
)
def test_what_is_no_address_is_a_problem(text: str) -> None:
    """Another scheme, no host, an impossible host or port: a problem that shows the text."""
    with pytest.raises(InvalidValue) as caught:
        valid_url(text)
    assert caught.value.code == "bad_url"
    assert repr(text)[1:-1] in caught.value.message


@pytest.mark.parametrize(
    ("address", "name"),
    [
        ("https://a.example/b/c%20d.png?x=/y#z/", "c d.png"),
        ("https://a.example/%E7%94%BB%E5%83%8F.png", "画像.png"),
        ("https://a.example/a/", ""),
        ("https://a.example", ""),
        ("https://a.example/a%FF.png", "a\ufffd.png"),
    ],
)
def test_the_last_segment_is_the_files_name(address: str, name: str) -> None:
    """Of the path alone, percent-decoded; empty where the path ends in a slash."""
    assert last_segment(address) == name


plain = st.text("aZ0-._~!$&'()*+,;=:@|[]%/", max_size=12)


@given(
    st.sampled_from(["", " ", "\n"]),
    hosts,
    ports,
    plain | texts,
    st.sampled_from(["", "?", "?v=1", "?a=/b?", "#f", "?q=é"]),
)
def test_a_plain_address_is_found_without_parsing(space: str, host: str, port: str, path: str, end: str) -> None:
    """What is told by one look is what parsing gives: the address as it is, and its name."""
    text = f"{space}https://{host}{port}/{path}{end}"
    place = plain_place(text)
    if place is not None:
        address = valid_url(text)
        assert place == (address, last_segment(address))


@pytest.mark.parametrize(
    "text",
    [
        "http://a.example/b.png",
        "https://a-b.example/x/c%20d.png?v=1&w=2",
        "https://10.0.0.1/",
        "http://a/(1),2",
        "http://a/grün /b 1.png",
    ],
)
def test_most_addresses_are_plain(text: str) -> None:
    """Those of shops and buckets are told by one look."""
    address = valid_url(text)
    assert plain_place(text) == (address, last_segment(address))


def test_an_ipv6_host_keeps_its_brackets() -> None:
    """A port can be told from an address only by them."""
    assert valid_url("http://[::1]:8080/x") == "http://[::1]:8080/x"
