"""The official SDK's URLs and ours: the same, a thousand times."""

from __future__ import annotations

import datetime
import random
from typing import Any

import pytest
from imagekitio import ImageKit

import ikpipe
from ikpipe.delivery.transformations import NAMES

ENDPOINT = "https://ik.imagekit.io/shop"
SHOP = ikpipe.Account("public_shop", "private_shop", url_endpoint=ENDPOINT)
FLAGS = ["grayscale", "contrast_stretch", "ai_remove_background", "ai_remove_background_external", "ai_upscale"]
EFFECTS = ["sharpen", "unsharp_mask", "shadow", "gradient", "ai_drop_shadow"]
WORDS = ["auto", "face", "4-3", "5_FF0000", "bw_div_2", "maintain_ratio", "N10", "50%25"]
PATHS = ["default_image", "font_family"]  # of a switch, the SDK makes "True" there
SPECIAL = {*FLAGS, *EFFECTS, *PATHS, "ai_retouch", "ai_variation", "streaming_resolutions"}
OTHERS = sorted({*NAMES} - SPECIAL)


def value(chance: random.Random) -> Any:
    """Choose a value as users give it."""
    return chance.choice([True, False, None, chance.randrange(1, 3000), chance.randrange(1, 99) / 4, *WORDS])


def overlay(chance: random.Random, depth: int) -> dict[str, Any]:
    """Choose something to lay over a picture."""
    kind, key = chance.choice(
        [("text", "text"), ("image", "input"), ("video", "input"), ("subtitle", "input"), ("solidColor", "color")]
    )
    content = (
        "FF0000" if key == "color" else chance.choice(["a.png", "/logos/a.png", "Sale 20 %", "løgo, æ", "50% & more"])
    )
    made: dict[str, Any] = {"type": kind, key: content}
    if key != "color":
        made["encoding"] = chance.choice(["auto", "base64"])
    if chance.random() < 0.5:
        made["position"] = {chance.choice(["x", "y", "xCenter", "anchor_point"]): chance.choice([5, "bw_div_2", "N7"])}
    if chance.random() < 0.3:
        made["timing"] = {chance.choice(["start", "end", "duration"]): chance.choice([3, "N2"])}
    if chance.random() < 0.3:
        made["layer_mode"] = chance.choice(["multiply", "cutout"])
    if depth and chance.random() < 0.6:
        made["transformation"] = [step(chance, depth - 1)]
    return made


def step(chance: random.Random, depth: int = 2) -> dict[str, Any]:
    """Choose a step of a transformation."""
    made = {name: value(chance) for name in chance.sample(OTHERS, chance.randrange(4))}
    made |= {name: chance.choice([True, False]) for name in chance.sample(FLAGS, chance.randrange(2))}
    made |= {name: chance.choice([True, 5, "bl-15_st-40"]) for name in chance.sample(EFFECTS, chance.randrange(2))}
    if chance.random() < 0.1:
        made["streaming_resolutions"] = ["240", "480"]
    if chance.random() < 0.2:
        made[chance.choice(PATHS)] = chance.choice(["/a/b.jpg", "AbrilFatFace"])
    if chance.random() < 0.1:
        made["raw"] = "h-20,fo-face"
    if depth and chance.random() < 0.2:
        made["overlay"] = overlay(chance, depth)
    return made


def sdk(chance: random.Random, client: ImageKit) -> tuple[str, dict[str, Any], str]:
    """Choose what to ask for, and have the SDK make its URL."""
    below = chance.choice(
        ["a.jpg", "/a/b c.jpg", "x/猫.png", "50%/a+b&c.jpg", "a?b#c.jpg", "(a)/~b!.gif", "a:b@c;d=e,f.jpg"]
    )
    absolute = chance.random() < 0.25
    path = f"{ENDPOINT}/stock/a%20b.jpg?v=7" if absolute else below
    ours: dict[str, Any] = {
        "transformation": [step(chance) for _ in range(chance.randrange(4))],
        "position": "query" if absolute else chance.choice(["query", "path"]),
        "query": chance.choice([{}, {"ik-attachment": "true"}, {"v1": "7", "download": "x"}]),
        "signed": chance.random() < 0.5,
    }
    asked = {
        "src": path,
        "url_endpoint": ENDPOINT,
        "transformation": ours["transformation"],
        "transformation_position": ours["position"],
        "query_parameters": ours["query"],
        "signed": ours["signed"],
    }
    if chance.random() < 0.3:
        asked["expires_in"] = chance.randrange(1, 10**6)
    made = client.helper.build_url(**asked)
    if "ik-t=" in made:
        end = int(made.partition("ik-t=")[2].partition("&")[0])
        ours["expire"] = datetime.datetime.fromtimestamp(end, datetime.UTC)
    return path, ours, made


@pytest.mark.parametrize("seed", range(10))
def test_a_hundred_urls_agree(seed: int) -> None:
    """Paths, steps, chains, layers, positions, parameters, signatures and expiries: letter by letter.

    Values are made of what needs no encoding: the SDK leaves it as it is, which is no URL.
    """
    chance = random.Random(seed)  # noqa: S311 - examples
    with ImageKit(private_key="private_shop", password="") as client:
        made = [sdk(chance, client) for _ in range(100)]
    assert [ikpipe.url(path, SHOP, **options) for path, options, _ in made] == [theirs for _, _, theirs in made]
    assert sum("ik-s=" in theirs for *_, theirs in made) > 20
