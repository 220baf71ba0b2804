"""Sizes and crops: the documented examples, and general properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ikpipe.emulator.delivery import resize
from ikpipe.emulator.delivery.resize import Box, Frame, ResizePlan, Size
from ikpipe.emulator.delivery.transformation_parser import BadTransformationError, parse_transformation
from ikpipe.emulator.delivery.value_checks import CROP_MODES, CROPS

PLANT = (640, 865)
"""The size of the picture in the documents' examples."""


def plan(text: str, size: Size = PLANT, custom: Box | None = None, **hints: float) -> ResizePlan:
    """Plan one step."""
    chain = parse_transformation(text, {})
    assert chain.ignored == []
    return resize.plan(chain.steps[0], Frame(size, size, hints, custom))


def seen(found: ResizePlan) -> Size:
    """Return the size of the result."""
    left, top, right, bottom = found.window
    return right - left, bottom - top


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("w-200", (200, 270)),
        ("w-0.4", (256, 346)),
        ("h-200", (148, 200)),
        ("w-iw_div_2", (320, 432)),
        ("ar-4-3,w-400", (400, 300)),
        ("ar-4-3,h-300", (400, 300)),
        ("ar-1-2,w-300,h-200", (300, 200)),
        ("w-300,h-200", (300, 200)),
        ("w-300,h-200,c-force", (300, 200)),
        ("w-300,h-200,c-at_max", (148, 200)),
        ("w-850,h-1000,c-at_max", PLANT),
        ("w-850,h-1000,c-at_max_enlarge", (740, 1000)),
        ("w-300,h-200,c-at_least", (300, 405)),
        ("w-300,h-200,cm-pad_resize", (300, 200)),
        ("w-900,h-900,cm-pad_resize_no_enlarge", (900, 900)),
        ("w-200,h-200,cm-extract", (200, 200)),
        ("w-700,h-900,cm-pad_extract", (700, 900)),
        ("w-700,h-400,cm-pad_extract_no_shrink", (700, 865)),
        ("w-1280,h-865,c-maintain_ratio_no_enlarge", (640, 432)),
        ("w-100,dpr-2", (200, 270)),
        ("w-4000,dpr-2", (4000, 5406)),
        ("w-99999", PLANT),
        ("q-50", PLANT),
    ],
)
def test_sizes(text: str, size: Size) -> None:
    """The sizes in the documentation, and those that follow from its rules."""
    assert seen(plan(text)) == size


@pytest.mark.parametrize(
    ("text", "corner"),
    [
        ("w-200,h-200,cm-extract", (220, 332)),
        ("w-300,h-300,cm-extract,fo-bottom_right", (340, 565)),
        ("w-300,h-300,cm-extract,fo-top", (170, 0)),
        ("w-300,h-300,cm-extract,x-100,y-300", (100, 300)),
        ("w-300,h-300,cm-extract,xc-300,yc-500", (150, 350)),
        ("w-300,h-300,cm-extract,fo-face", (170, 282)),
        ("w-300,h-200,fo-top", (0, 0)),
        ("w-300,h-200,cm-pad_resize,fo-left", (0, 0)),
        ("w-300,h-200,cm-pad_resize,fo-right", (-152, 0)),
    ],
)
def test_where_the_window_lies(text: str, corner: Size) -> None:
    """Focus and coordinates select a part of the image [docs]."""
    assert plan(text).window[:2] == corner


def test_a_crop_that_reaches_beyond_the_picture_fails() -> None:
    """An area around a center near the edge does not exist [docs: "the crop will fail"]."""
    with pytest.raises(BadTransformationError, match="beyond"):
        plan("w-300,h-300,cm-extract,xc-10,yc-10")


def test_custom_coordinates() -> None:
    """`fo-custom` uses the area in `customCoordinates`."""
    assert plan("w-100,h-100,cm-extract,fo-custom", custom=(400, 600, 500, 700)).window == (400, 600, 500, 700)
    assert plan("w-320,h-100,fo-custom", custom=(0, 800, 100, 865)).window == (0, 332, 320, 432)
    assert plan("w-100,h-100,cm-extract,fo-custom").window[:2] == (270, 382)


def test_hints_of_the_client() -> None:
    """`auto` is the client's hint, and has no effect without one [docs]."""
    assert seen(plan("w-auto,dpr-auto", width=100, dpr=2)) == (200, 270)
    assert seen(plan("w-auto,dpr-auto")) == PLANT


sides = st.integers(1, 2000)
MODES = [f"c-{mode}" for mode in CROPS] + [f"cm-{mode}" for mode in CROP_MODES]


@given(size=st.tuples(sides, sides), want=st.tuples(sides, sides), mode=st.sampled_from(MODES))
def test_every_mode_keeps_its_promise(size: Size, want: Size, mode: str) -> None:
    """Exact modes have the requested size; `at_max` is not larger, `at_least` not smaller."""
    found = plan(f"w-{want[0]},h-{want[1]},{mode}", size)
    width, height = seen(found)
    assert width >= 1
    assert height >= 1
    if mode in {"c-force", "c-maintain_ratio", "cm-pad_extract", "cm-pad_resize", "cm-pad_resize_no_enlarge"}:
        expected = want if want != (0, 0) else size
        assert (width, height) == expected
    if mode in {"c-at_max", "c-at_max_enlarge"}:
        assert width <= want[0]
        assert height <= want[1]
    if mode == "c-at_least":
        assert width >= want[0]
        assert height >= want[1]
