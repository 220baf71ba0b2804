"""`url`: where a file is delivered, transformed and signed."""

from __future__ import annotations

import datetime
import hashlib
import hmac
import re
import time
from io import BytesIO
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote, urlsplit
from urllib.request import urlopen

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

import ikpipe
from ikpipe.delivery.transformations import NAMES, encode_chain

if TYPE_CHECKING:
    from collections.abc import Callable

ENDPOINT = "https://ik.imagekit.io/shop"
SHOP = ikpipe.Account("public_shop", "dummy-key", url_endpoint=ENDPOINT)

STEPS = [
    ({"width": 400, "height": 300}, "w-400,h-300"),
    ([{"width": 400, "height": 300}, {"rotation": 90}], "w-400,h-300:rt-90"),
    ({"quality": 80, "format": "webp"}, "q-80,f-webp"),
    ({"crop": "maintain_ratio", "crop_mode": "pad_resize", "focus": "auto"}, "c-maintain_ratio,cm-pad_resize,fo-auto"),
    ({"radius": "max", "blur": 10}, "r-max,bl-10"),
    ({"named": "media_library_thumbnail"}, "n-media_library_thumbnail"),
    ({"aspectRatio": "4-3", "xCenter": 10.0, "dpr": 1.5}, "ar-4-3,xc-10,dpr-1.5"),
    ({"w": 400, "e-sharpen": 10}, "w-400,e-sharpen-10"),
    ({"grayscale": True, "ai_remove_background": True}, "e-grayscale,e-bgremove"),
    ({"grayscale": False, "width": None, "height": float("nan"), "focus": "", "blur": 3}, "bl-3"),
    ({"sharpen": True, "shadow": "bl-15_st-40", "trim": True}, "e-sharpen,e-shadow-bl-15_st-40,t-true"),
    ({"progressive": True, "original": True}, "pr-true,orig-true"),
    ({"default_image": "/stock/none.jpg"}, "di-stock@@none.jpg"),
    ({"streaming_resolutions": [480, "720"]}, "sr-480_720"),
    ({"width": 400, "raw": "h-300,fo-face"}, "w-400,h-300,fo-face"),
    ("w-400,h-300:rt-90", "w-400,h-300:rt-90"),
    (["w-400", {"rt": 90}, {}, ""], "w-400:rt-90"),
    ({"raw": "l-text,i-rød & blå,l-end"}, "l-text,i-r%C3%B8d%20%26%20bl%C3%A5,l-end"),
    ({"raw": "di-a/b?c#d"}, "di-a%2Fb%3Fc%23d"),
    ({"ai_edit": "prompt-a%2C%20b"}, "e-edit-prompt-a%2C%20b"),
    ({"rotation": -90}, "rt-N90"),
    ({"rt": "-22.5"}, "rt-N22.5"),
    ({"dpr": 0.00001}, "dpr-0.00001"),
    (
        {"width": np.int64(400), "dpr": np.float64(1.5), "grayscale": np.True_, "trim": np.False_},
        "w-400,dpr-1.5,e-grayscale",
    ),
    ({"width": pd.NA, "height": pd.NaT, "blur": np.float64("nan"), "radius": np.int32(3)}, "r-3"),
    ((), ""),
    (None, ""),
    (float("nan"), ""),
    ([None, {"width": 4}, pd.NA, {"rt": 90}], "w-4:rt-90"),
    ({"aspect_ratio": "16:9"}, "ar-16-9"),
    ({"ar": "4 / 3"}, "ar-4-3"),
    ({"streaming_resolutions": (240, 480.0)}, "sr-240_480"),
    ({"sharpen": "false", "grayscale": "False", "progressive": "FALSE"}, "pr-false"),
    ({"width": " ", "focus": "", "default_image": ""}, ""),
]


@pytest.mark.parametrize(("transformation", "text"), STEPS)
def test_a_transformation_as_text(transformation: Any, text: str) -> None:
    """Names, numbers, switches, raw and named steps and chains are written as the service reads them."""
    assert encode_chain(transformation) == text


SWITCHES = [
    "grayscale",
    "contrast_stretch",
    "sharpen",
    "unsharp_mask",
    "shadow",
    "gradient",
    "aiDropShadow",
    "aiUpscale",
]
VALUED_SWITCHES = ["trim", "progressive", "lossless", "color_profile", "metadata", "original"]


@pytest.mark.parametrize("name", [*SWITCHES, *VALUED_SWITCHES])
def test_a_switch_is_on_in_every_form_of_the_sdks(name: str) -> None:
    """`""`, `"-"`, `"true"` and True turn it on; False, None and missing values leave it out."""
    on = [encode_chain({name: value}) for value in (True, np.True_, "", " ", "-", "true", "True")]
    off = [encode_chain({name: value}) for value in (False, None, pd.NA, float("nan"))]
    assert set(on) == {NAMES[_snake(name)] + ("-true" if name in VALUED_SWITCHES else "")}
    assert set(off) == {""}


FORMER = [
    ("rotate", "rotation"),
    ("effectSharpen", "sharpen"),
    ("effectUSM", "unsharp_mask"),
    ("effectContrast", "contrast_stretch"),
    ("effectGray", "grayscale"),
    ("effectShadow", "shadow"),
    ("effectGradient", "gradient"),
    ("effectBlur", "blur"),
    ("cropmode", "crop_mode"),
    ("overlayText", "overlay"),
    ("overlayTextFontSize", "overlay"),
    ("overlayImage", "overlay"),
    ("overlayX", "overlay"),
    ("ots", "overlay"),
    ("oi", "overlay"),
]


@pytest.mark.parametrize(("former", "present"), FORMER)
def test_a_name_of_earlier_sdks_suggests_the_present_one(former: str, present: str) -> None:
    """In either spelling, also if the value is missing."""
    for name, value in [(former, 5), (_snake(former), "-"), (former, None)]:
        with pytest.raises(ikpipe.MappingError, match=rf"'{name}' \(did you mean '{present}'\?\)"):
            encode_chain({name: value})


@pytest.mark.parametrize(
    ("name", "layer"),
    [("overlay_text_color", "'type': 'text'"), ("overlayImageTrim", "'type': 'image'"), ("oit", "'type': 'image'")],
)
def test_a_layer_of_earlier_sdks_shows_the_present_form(name: str, layer: str) -> None:
    """The error has an example of the overlay to write."""
    with pytest.raises(ikpipe.MappingError, match=layer):
        encode_chain({name: "a"})


def _snake(name: str) -> str:
    return re.sub("(?<=[a-z])(?=[A-Z])", "_", name).lower()


LAYERS = [
    ({"type": "text", "text": "Sale 20"}, "l-text,i-Sale%2020,l-end"),
    ({"type": "text", "text": "50 %"}, "l-text,ie-NTAgJQ%3D%3D,l-end"),
    ({"type": "text", "text": "50 %", "encoding": "plain"}, "l-text,i-50%20%25,l-end"),
    ({"type": "text", "text": "a", "transformation": [{"font_size": 20, "padding": 5}]}, "l-text,i-a,fs-20,pa-5,l-end"),
    ({"type": "image", "input": "/logos/a.png"}, "l-image,i-logos@@a.png,l-end"),
    ({"type": "image", "input": "løgo.png"}, "l-image,ie-bMO4Z28ucG5n,l-end"),
    (
        {"type": "video", "input": "a.mp4", "timing": {"start": 1.5, "duration": 3}},
        "l-video,i-a.mp4,lso-1.5,ldu-3,l-end",
    ),
    ({"type": "subtitle", "input": "a.srt", "encoding": "base64"}, "l-subtitles,ie-YS5zcnQ%3D,l-end"),
    (
        {"type": "solidColor", "color": "FF0000", "layerMode": "multiply"},
        "l-image,i-ik_canvas,bg-FF0000,lm-multiply,l-end",
    ),
    (
        {"type": "image", "input": "a.png", "position": {"x": -10, "y": np.int64(0), "focus": "center"}},
        "l-image,i-a.png,lx-N10,ly-0,lfo-center,l-end",
    ),
    ({"type": "text", "text": 19.5}, "l-text,i-19.5,l-end"),
    (
        {"type": "text", "text": "a", "layer_mode": "", "position": {"x": "", "y": np.nan}, "timing": {"start": pd.NA}},
        "l-text,i-a,l-end",
    ),
    (
        {
            "type": "image",
            "input": "a.png",
            "transformation": [{"width": 9, "overlay": {"type": "text", "text": "b"}}, {"rotation": 5}],
        },
        "l-image,i-a.png,w-9,l-text,i-b,l-end:rt-5,l-end",
    ),
]


@pytest.mark.parametrize(("overlay", "text"), LAYERS)
def test_an_overlay_is_a_layer(overlay: Any, text: str) -> None:
    """Text, pictures, videos, subtitles and colours are laid over a file, at a place and a time."""
    assert encode_chain({"width": 400, "overlay": overlay}) == f"w-400,{text}"


BROKEN = [
    ({"widht": 400}, "Unknown transformation 'widht'.*did you mean 'width'"),
    ({"widht": None}, "Unknown transformation 'widht'.*did you mean 'width'"),
    ({"xyzzy": 1}, r"^Unknown transformation 'xyzzy'\. Newer ones can be written with 'raw'\.$"),
    ({5: 1}, "^Unknown transformation 5"),
    ({"width": "-"}, "width='-' is not valid: this transformation needs a value"),
    ({"aspect_ratio": "4:3:2"}, "separator ':'"),
    ({"width": "400:rt-90"}, "separator ':'"),
    ({"focus": "a,b"}, "separator ','"),
    ({"width": float("inf")}, "finite"),
    ({"width": 10**400}, "finite"),
    ({"width": 10**5000}, "finite"),
    ({"width": np.array([4, 5])}, "number or text"),
    ({"named": "\ud83d"}, "incomplete Unicode"),
    ("l-text,i-\ud83d,l-end", "incomplete Unicode"),
    ({"overlay": {"type": "text", "text": "\ud83d"}}, "incomplete Unicode"),
    ({"overlay": {"type": "text", "text": "\ud83d", "encoding": "plain"}}, "incomplete Unicode"),
    ({"width": [400]}, "number or text"),
    ({"grayscale": "yes"}, "True or False"),
    ({"raw": 4}, "must be text"),
    (4, "Use a step"),
    ([4], "not a transformation step"),
    ({"overlay": "text"}, "must be a mapping"),
    ({"overlay": {"type": "txt", "text": "a"}}, "not a valid type"),
    ({"overlay": {"type": "text"}}, "needs 'text'"),
    ({"overlay": {"type": "text", "text": ["a"]}}, "number or text"),
    ({"overlay": {"type": "text", "text": "a", "input": "b"}}, "unknown name 'input'"),
    ({"overlay": {"type": "text", "text": "a", "encoding": "rot13"}}, "not a valid encoding"),
    ({"overlay": {"type": "text", "text": "a", "position": {"z": 1}}}, "unknown name 'z'"),
    ({"overlay": {"type": "text", "text": "a", "timing": 3}}, "must be a mapping with start"),
]


@pytest.mark.parametrize(("transformation", "words"), BROKEN)
def test_what_cannot_be_written_is_an_error(transformation: Any, words: str) -> None:
    """A misspelt name, or a value that would smuggle in another step, is refused with its reason."""
    with pytest.raises(ikpipe.MappingError, match=words):
        encode_chain(transformation)


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(sorted({*NAMES} - {"default_image", "font_family", "streaming_resolutions"})),
            st.integers(0, 9999) | st.text("abcXYZ_.0", min_size=1),
            min_size=1,
        )
    )
)
def test_no_value_is_more_than_its_part(steps: list[dict[str, Any]]) -> None:
    """As many steps and parts come out as go in, each with its own value."""
    on_or_off = {"e-grayscale", "e-contrast", "e-removedotbg", "e-bgremove", "e-upscale", "e-retouch", "e-genvar"}
    steps = [{name: NAMES[name] in on_or_off or value for name, value in step.items()} for step in steps]
    parts = [part.split(",") for part in filter(None, encode_chain(steps).split(":"))]
    assert [[f"{NAMES[n]}" if v is True else f"{NAMES[n]}-{v}" for n, v in step.items()] for step in steps] == parts


def test_a_path_is_encoded() -> None:
    """A path stands as the library has it; what it needs in a URL is made here."""
    assert ikpipe.url("/a b/50%#?猫.jpg", SHOP) == f"{ENDPOINT}/a%20b/50%25%23%3F%E7%8C%AB.jpg"


def test_a_transformation_before_the_path() -> None:
    """`position="path"` puts it where the original's own parameters are left alone."""
    found = ikpipe.url("a.jpg", SHOP, transformation={"width": 4}, position="path", query={"ik-attachment": "true"})
    assert found == f"{ENDPOINT}/tr:w-4/a.jpg?ik-attachment=true"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (True, "true"),
        (False, "false"),
        (np.False_, "false"),
        (5.0, "5"),
        (np.int64(7), "7"),
        (0.5, "0.5"),
        (" ", "%20"),
    ],
)
def test_a_parameter_is_printed_as_by_the_sdks(value: Any, text: str) -> None:
    """Booleans are lower case, whole numbers have no decimal point, text is unchanged."""
    assert ikpipe.url("a.jpg", SHOP, query={"ik-attachment": value}) == f"{ENDPOINT}/a.jpg?ik-attachment={text}"


def test_a_missing_parameter_is_left_out() -> None:
    """None, NaN and NA are no values; empty text is."""
    query = {"a": None, "b": float("nan"), "c": pd.NA, "d": ""}
    assert ikpipe.url("a.jpg", SHOP, query=query) == f"{ENDPOINT}/a.jpg?d="


def test_the_transformation_of_a_foreign_url_is_in_its_query() -> None:
    """Where the file's path starts in the URL of another endpoint is not known, as in the SDKs."""
    found = ikpipe.url("https://img.example/a.jpg", SHOP, transformation="w-4", position="path")
    assert found == "https://img.example/a.jpg?tr=w-4"


def test_the_url_of_a_result_is_taken() -> None:
    """`ik_url` goes in as it is, with the parameters that it has; a transformation that it has is replaced."""
    given = f"{ENDPOINT}/a%20b.jpg?updatedAt=7&tr=w-9"
    assert ikpipe.url(given, SHOP) == given
    assert ikpipe.url(given, SHOP, transformation="w-4") == f"{ENDPOINT}/a%20b.jpg?updatedAt=7&tr=w-4"
    assert ikpipe.url(given, SHOP, transformation="w-4", position="path") == f"{ENDPOINT}/tr:w-4/a%20b.jpg?updatedAt=7"


def test_a_transformation_before_the_path_is_replaced_as_well() -> None:
    """`ik_thumbnail_url` has one there: in either position, the new one stands instead of it, not beside it."""
    given = f"{ENDPOINT}/tr:n-ik_ml_thumbnail/a.jpg"
    assert ikpipe.url(given, SHOP) == given
    assert ikpipe.url(given, SHOP, transformation="w-4") == f"{ENDPOINT}/a.jpg?tr=w-4"
    assert ikpipe.url(given, SHOP, transformation="w-4", position="path") == f"{ENDPOINT}/tr:w-4/a.jpg"
    only = f"{ENDPOINT}/a/tr:w-9/b.jpg"
    assert ikpipe.url(only, SHOP, transformation="w-4") == f"{ENDPOINT}/a/b.jpg?tr=w-4"


def test_a_signature_that_holds_no_longer_is_left_out() -> None:
    """A signed URL that is changed, and not signed again, would be refused; one that is not stays as it is."""
    once = ikpipe.url("a.jpg", SHOP, expire=60)
    assert ikpipe.url(once, SHOP) == once
    assert ikpipe.url(once, SHOP, transformation="w-4") == f"{ENDPOINT}/a.jpg?tr=w-4"
    assert ikpipe.url(once, SHOP, query={"v": "1"}) == f"{ENDPOINT}/a.jpg?v=1"


def test_a_parameter_that_is_there_is_replaced() -> None:
    """Nobody can say which of two values is read; a switch is written as the service has it."""
    given = f"{ENDPOINT}/a.jpg?v=1&x=2"
    assert ikpipe.url(given, SHOP, query={"v": "3"}) == f"{ENDPOINT}/a.jpg?x=2&v=3"
    assert ikpipe.url("a.jpg", SHOP, query={"ik-attachment": True}) == f"{ENDPOINT}/a.jpg?ik-attachment=true"


def test_a_url_elsewhere_can_be_transformed() -> None:
    """Another endpoint of the account, such as a custom domain, is left as it is."""
    assert ikpipe.url("https://img.example/a.jpg", SHOP, transformation="w-4") == "https://img.example/a.jpg?tr=w-4"


def test_the_documented_signature() -> None:
    """The vector of the official SDKs: no expiry is signed as 9999999999."""
    found = ikpipe.url("sdk-testing-files/future-search.png", SHOP, signed=True)
    assert found.endswith("?ik-s=32dbbbfc5f945c0403c71b54c38e76896ef2d6b0")


def checked(address: str, key: str = "dummy-key") -> bool:
    """Check a signature as the service would: what follows the endpoint, without the signature's own parameters."""
    found = re.fullmatch(r"(.*?)(?:[?&]ik-t=(\d+))?[?&]ik-s=(\w+)", address.removeprefix(f"{ENDPOINT}/"))
    assert found is not None
    rest, end, mark = found.groups("9999999999")
    wanted = hmac.new(key.encode(), f"{rest}{end}".encode(), hashlib.sha1).hexdigest()
    return hmac.compare_digest(mark, wanted)


@given(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(
        lambda path: path.strip("/") and not {".", ".."} & {*path.split("/")} and not path.lower().startswith("http")
    ),
    st.sampled_from(["query", "path"]),
    st.booleans(),
    st.none() | st.integers(1, 10**6),
)
def test_what_is_signed_is_what_is_sent(path: str, position: Any, wide: bool, expire: int | None) -> None:  # noqa: FBT001 - Hypothesis
    """Whatever the path, its signature is that of the URL as it is sent, and the path can be read back from it."""
    found = ikpipe.url(
        path, SHOP, transformation={"width": 4} if wide else (), position=position, signed=True, expire=expire
    )
    assert checked(found)
    assert not checked(found.replace("shop/", "shop/x", 1))
    place = urlsplit(found).path.removeprefix("/shop/").removeprefix("tr:w-4/" if wide and position == "path" else "")
    assert unquote(place) == path.strip("/")


@pytest.mark.parametrize("life", [60, np.int64(60), datetime.timedelta(minutes=1), pd.Timedelta("1min")])
def test_a_life_ends_so_many_seconds_from_now(life: Any) -> None:
    """`expire` signs by itself, and its end stands in `ik-t`."""
    before = int(time.time())
    found = ikpipe.url("a.jpg", SHOP, expire=life)
    assert before + 60 <= int(found.partition("ik-t=")[2].partition("&")[0]) <= int(time.time()) + 60


def test_a_life_may_end_at_a_moment() -> None:
    """A `datetime` is the end itself."""
    assert "ik-t=4102444800&" in ikpipe.url("a.jpg", SHOP, expire=datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC))


def test_signing_again_replaces_the_signature() -> None:
    """A URL that is signed already is signed as if it had not been."""
    once = ikpipe.url("a.jpg", SHOP, expire=60, query={"v": "1"})
    assert ikpipe.url(once, SHOP, signed=True) == ikpipe.url("a.jpg", SHOP, signed=True, query={"v": "1"})


@pytest.mark.parametrize(
    ("path", "options", "words"),
    [
        ("", {}, "not a file's path"),
        (None, {}, "not a file's path"),
        ("/a/../b.jpg", {}, "'.' or '..'"),
        (f"{ENDPOINT}/%2e%2e/b.jpg", {}, "'.' or '..'"),
        ("\ud83d.jpg", {}, "incomplete Unicode"),
        ("https://", {}, "not a valid URL"),
        ("https://img.example/a.jpg", {"signed": True}, "not on the account's endpoint"),
        (f"{ENDPOINT}.evil.example/a.jpg", {"signed": True}, "not on the account's endpoint"),
        ("a.jpg", {"expire": 0}, "at least 1"),
        ("a.jpg", {"expire": True}, "at least 1"),
        ("a.jpg", {"expire": float("nan")}, "at least 1"),
        ("a.jpg", {"expire": datetime.datetime(2020, 1, 1, tzinfo=datetime.UTC)}, "at least 1"),
        ("a.jpg", {"position": "middle"}, "'query' or 'path'"),
        ("a.jpg", {"expire": 10**400}, "at least 1"),
        ("a.jpg", {"expire": 10**5000}, "at least 1"),
        ("a.jpg", {"expire": pd.NaT}, "at least 1"),
        ("a.jpg", {"expire": datetime.datetime.min}, "at least 1"),  # noqa: DTZ901 - it has no zone
        ("a.jpg", {"expire": datetime.datetime.max}, "at least 1"),  # noqa: DTZ901 - nor this
        ("a.jpg", {"expire": datetime.timedelta.max}, "at least 1"),
        ("a.jpg", {"query": {"a": "\ud83d"}}, "incomplete Unicode"),
        ("a.jpg", {"query": {"a": ["b"]}}, "query: a=.* must be a number or text"),
        ("a.jpg", {"query": {"tr": "w-4"}, "transformation": "w-5"}, "'tr' is already set"),
        ("a.jpg", {"query": {"ik-t": "9"}, "signed": True}, "'ik-t' is already set"),
        (f"{ENDPOINT}/", {}, "not a file's path"),
        (f"{ENDPOINT}/?a=1", {}, "not a file's path"),
    ],
)
def test_a_url_that_cannot_be_is_an_error(path: Any, options: Any, words: str) -> None:
    """What leads elsewhere, lives no second, or cannot be signed for is refused."""
    with pytest.raises(ikpipe.MappingError, match=words):
        ikpipe.url(path, SHOP, **options)


def test_an_account_without_an_endpoint() -> None:
    """The error names the variable that lacks; the same for the key, where one is needed."""
    with pytest.raises(ikpipe.AccountError, match="IMAGEKIT_URL_ENDPOINT"):
        ikpipe.url("a.jpg", ikpipe.Account("public_shop"))
    with pytest.raises(ikpipe.AccountError, match="IMAGEKIT_URL_ENDPOINT"):
        ikpipe.url(f"{ENDPOINT}/a.jpg", ikpipe.Account("public_shop", "dummy-key"), signed=True)
    with pytest.raises(ikpipe.AccountError, match="IMAGEKIT_PRIVATE_KEY"):
        ikpipe.url("a.jpg", ikpipe.Account("public_shop", url_endpoint=ENDPOINT), signed=True)


def test_a_stored_file_is_there(account: ikpipe.Account, picture: Callable[..., bytes]) -> None:
    """The URL made of `ik_file_path` is that of the answer, and gives the very bytes."""
    stored = ikpipe.upload_file(picture(3), account, file_name="blå sko.png", folder="/a/b")
    address = ikpipe.url(str(stored.file_path), account)
    assert address == stored.url
    with urlopen(address) as answer:  # noqa: S310 - the emulator's own
        assert answer.read() == picture(3)


def fetched(address: str) -> bytes:
    """Return what the emulator delivers."""
    with urlopen(address) as answer:  # noqa: S310 - the emulator's own
        return bytes(answer.read())


def test_every_spelling_delivers_the_same(account: ikpipe.Account, picture: Callable[..., bytes]) -> None:
    """A transformation in the query, percent-encoded there, or in the path is the same picture."""
    stored = str(ikpipe.upload_file(picture(4), account, file_name="é.png", folder="/a").file_path)
    steps: Any = [{"width": 8, "aspect_ratio": "4:3"}, {"grayscale": ""}]
    query = ikpipe.url(stored, account, transformation=steps)
    start, _, text = query.partition("?tr=")
    path = ikpipe.url(stored, account, transformation=steps, position="path")
    shown = [fetched(one) for one in (query, f"{start}?tr={quote(text)}", path)]
    assert shown[0] == shown[1] == shown[2]
    with Image.open(BytesIO(shown[0])) as made:
        assert (made.size, made.convert("RGB").getcolors(1000)) == (
            (8, 6),
            made.convert("L").convert("RGB").getcolors(),
        )
