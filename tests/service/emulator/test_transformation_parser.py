"""The parser of transformations, and their arithmetic."""

from __future__ import annotations

import math
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.emulator.delivery import arithmetic
from ikpipe.emulator.delivery.transformation_parser import BadTransformationError, Layer, parse_transformation
from ikpipe.emulator.delivery.value_checks import VALUES

NAMED = {"small": "w-100", "turned": "tr:w-100,h-50:rt-90"}


def test_a_chain() -> None:
    """Commas separate the keys of a step, colons separate steps."""
    chain = parse_transformation("w-400,h-300:rt-90", {})
    assert (chain.steps, chain.ignored) == ([{"w": "400", "h": "300"}, {"rt": "90"}], [])


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("ar-4-3", {"ar": "4-3"}),
        ("ar-4_3", {"ar": "4_3"}),
        ("w-iw_div_2", {"w": "iw_div_2"}),
        ("rt-N40", {"rt": "N40"}),
        ("e-grayscale", {"e-grayscale": ""}),
        ("e-usm-2-2-0.8-0.024", {"e-usm": "2-2-0.8-0.024"}),
        ("bg-F3F3F350", {"bg": "F3F3F350"}),
        ("b-5_FFF000", {"b": "5_FFF000"}),
        ("b-cw_mul_0.05_yellow", {"b": "cw_mul_0.05_yellow"}),
        ("r-10_20_30_40", {"r": "10_20_30_40"}),
        ("di-@@a@@b.jpg", {"di": "@@a@@b.jpg"}),
    ],
)
def test_documented_spellings(text: str, step: dict[str, str]) -> None:
    """Each documented form of a value is accepted."""
    chain = parse_transformation(text, {})
    assert (chain.steps, chain.ignored) == ([step], [])


@pytest.mark.parametrize(
    "text",
    ["zz-1", "w-abc", "w-", "w", "c-pad_resize", "q-0", "q-101", "bl-0", "rt-x", "bg-F3F3", "e-upscale", "dpr-9"],
)
def test_what_is_not_understood_is_told_apart(text: str) -> None:
    """An unknown key or an invalid value does not affect the rest of the step."""
    chain = parse_transformation(f"{text},h-3", {})
    assert (chain.steps, chain.ignored) == ([{"h": "3"}], [text])


def layers(text: str) -> list[Layer]:
    """Parse a transformation, and return the layers of its first step."""
    return parse_transformation(text, {}).steps[0].layers


def test_a_layer_has_steps_of_its_own() -> None:
    """The content of a layer, also chains and layers in it, is not a step of the image itself."""
    chain = parse_transformation("w-9,l-image,i-a.png,w-5:rt-90,l-text,i-b,l-end,l-end,h-8:bl-3", {})
    assert (chain.steps, chain.ignored) == ([{"w": "9", "h": "8"}, {"bl": "3"}], [])
    (image,) = chain.steps[0].layers
    assert (image.image, image.steps) == ("/a.png", [{"w": "5"}, {"rt": "90"}])
    assert [(layer.image, layer.text) for layer in image.steps[1].layers] == [(None, "b")]


@pytest.mark.parametrize(
    ("source", "path"),
    [
        ("i-logo.png", "/logo.png"),
        ("i-a@@b-c@@logo.png", "/a/b-c/logo.png"),
        ("i-/a/b.png", "/a/b.png"),
        ("ie-Y3VzdG9tZXIvbG9nby5wbmc=", "/customer/logo.png"),
        ("ie-Y3VzdG9tZXIvbG9nby5wbmc", "/customer/logo.png"),
        ("i-other.png,ie-Y3VzdG9tZXIvbG9nby5wbmc=", "/customer/logo.png"),
        ("i-ik_canvas", "ik_canvas"),
    ],
)
def test_image_of_a_layer(source: str, path: str) -> None:
    """It is a path whose slashes are written `@@`, or Base64, which wins [docs]."""
    assert layers(f"l-image,{source},l-end")[0].image == path


@pytest.mark.parametrize(("source", "text"), [("i-a-b c", "a-b c"), ("ie-w6Q_", "ä?"), ("ie-w6Q/", "ä?")])
def test_text_of_a_layer(source: str, text: str) -> None:
    """It is plain, or Base64 of either alphabet."""
    assert layers(f"l-text,{source},l-end")[0].text == text


@pytest.mark.parametrize("source", ["ie-%%", "ie-gICA", "ie-a"])
def test_sources_that_are_no_base64(source: str) -> None:
    """Text that is not valid Base64 is an error, which names it."""
    with pytest.raises(BadTransformationError, match=f"{source} is not text in Base64"):
        layers(f"l-text,{source},l-end")


def test_files_of_layers() -> None:
    """The images and fonts of all layers are known before anything is rendered; blocks of color need none."""
    text = "l-image,i-a.png,l-text,i-x,ff-f@@b.ttf,l-end,l-end:l-image,i-ik_canvas,l-end,l-text,i-x,ff-Arial,l-end"
    assert parse_transformation(text, {}).files == ["/a.png", "/f/b.ttf"]


@pytest.mark.parametrize(
    ("text", "ignored"),
    [
        ("l-image,i-a.png,zz-1,f-png,l-end", ["zz-1", "f-png"]),
        ("l-text,i-a,al-0.5,fs-x,l-end", ["al-0.5", "fs-x"]),
        ("l-image,w-5,l-end", ["l-image"]),
        ("l-image,i-a.png,lm-displace,lx-z,l-end", ["lm-displace", "lx-z"]),
        ("l-video,i-a.mp4,l-text,i-b,l-end,l-end", ["l-video", "l-text"]),
        ("lx-5,i-a,fs-3,l-end", ["lx-5", "i-a", "fs-3", "l-end"]),
    ],
)
def test_what_is_not_understood_in_layers(text: str, ignored: list[str]) -> None:
    """Unknown keys of a layer are ignored and named; a layer of an unknown kind, or without content, as a whole."""
    assert parse_transformation(text, {}).ignored == ignored


@pytest.mark.parametrize("levels", [4, 20_000])
def test_layers_are_nested_three_levels_deep(levels: int) -> None:
    """Deeper layers are ignored, however deep."""
    chain = parse_transformation("l-text,i-a," * levels + "l-end," * levels + "h-3", {})
    assert (chain.steps, chain.ignored) == ([{"h": "3"}], ["l-text"] * (levels - 3))


def test_a_layer_without_an_end() -> None:
    """A layer that is not closed ends with the transformation."""
    assert layers("l-text,i-a,fs-3")[0].steps == [{"fs": "3"}]


def test_named_transformations_have_layers() -> None:
    """A named transformation with a layer is one."""
    chain = parse_transformation("n-marked", {"marked": "w-5,l-image,i-a.png,l-end"})
    assert (chain.named, chain.files) == (True, ["/a.png"])


def test_conditions_are_left_out_whole() -> None:
    """The branches of a condition are ignored, since conditions are not evaluated."""
    chain = parse_transformation("if-ar_gt_1,w-300,if-else,w-100,if-end,h-8", {})
    assert (chain.steps, chain.ignored) == ([{"h": "8"}], ["if-ar_gt_1"])


def test_named_transformations() -> None:
    """A name is replaced by its chain, and other keys of its step are applied afterwards."""
    assert parse_transformation("n-turned,bl-3:n-small", NAMED).steps == [
        {"w": "100", "h": "50"},
        {"rt": "90"},
        {"bl": "3"},
        {"w": "100"},
    ]


@pytest.mark.parametrize(
    ("text", "named"),
    [("n-small:n-turned", True), ("n-small,w-3", False), ("", False), ("n-small,l-text,i-a,l-end", False)],
)
def test_named_alone(text: str, named: bool) -> None:  # noqa: FBT001
    """`named` is whether all steps are names."""
    assert parse_transformation(text, NAMED).named is named


def test_a_name_that_there_is_not() -> None:
    """An unknown name is an error, and is not ignored."""
    with pytest.raises(BadTransformationError, match="Unknown named transformation other"):
        parse_transformation("n-other", NAMED)


@given(st.text(alphabet="wh-,:l_n10.eitrxéd ", max_size=40))
def test_any_text_is_read(text: str) -> None:
    """Any text is parsed: each part is a step, ignored, or an unknown name."""
    try:
        chain = parse_transformation(text, NAMED)
    except BadTransformationError:
        return
    assert all(key in VALUES for step in chain.steps for key in step)


VARIABLES = {"ih": 300, "iw": 400, "iar": 4 / 3, "ch": 30, "cw": 40, "car": 4 / 3}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("200", 200),
        ("iw", 400),
        ("iw_div_4", 100),
        ("ih_mul_0.8_add_iw_mul_0.4", 400),
        ("ih_sub_100_sub_50", 150),
        ("cw_mod_7", 5),
        ("2_add_3_pow_2", 25),
        ("10_mod_4_add_2", 4),
    ],
)
def test_arithmetic(text: str, value: float) -> None:
    """Products are computed before sums, sums before remainders, and powers last [docs]."""
    assert arithmetic.is_expression(text)
    assert arithmetic.evaluate(text, VARIABLES) == pytest.approx(value)


@pytest.mark.parametrize("text", ["1_div_0", "iw_mod_0", "iw_pow_iw_pow_iw", "0_sub_8_pow_0.5", "9_pow_400"])
def test_without_a_value(text: str) -> None:
    """An expression without a value is an error at once, and needs neither time nor memory."""
    with pytest.raises(ValueError, match="has no value"):
        arithmetic.evaluate(text, VARIABLES)


@given(st.lists(st.sampled_from(["iw", "ch", "0.5", "3", "mul", "div", "add", "sub", "mod", "pow"]), max_size=9))
def test_expressions_have_a_finite_value_or_none(words: list[str]) -> None:
    """Any expression has a finite value or raises a ValueError."""
    text = "_".join(words)
    if arithmetic.is_expression(text):
        with suppress(ValueError):
            assert math.isfinite(arithmetic.evaluate(text, VARIABLES))
