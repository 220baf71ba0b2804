"""Snippets that show a delivered file elsewhere: its URL, HTML, Markdown."""

import re
from xml.etree.ElementTree import Element

from ikpipe.delivery.gallery.html import tag, written
from ikpipe.request.result import Result

_MARKDOWN = re.compile(r"([\\`*_{}\[\]<>()#!|&~])")
_URL = str.maketrans({" ": "%20", "(": "%28", ")": "%29", "<": "%3C", ">": "%3E"})


def snippets(result: Result, url: str) -> dict[str, str]:
    """Return the snippets by name."""
    return {"URL": url, "HTML": written(_element(result, url)), "Markdown": _markdown(result, url)}


def _element(result: Result, url: str) -> Element:
    """Return an element that shows the file: an image, a player, or else a link."""
    if result.file_type == "image":
        sides = {"width": result.width, "height": result.height}
        known_sides = {side: str(value) for side, value in sides.items() if value}
        return tag("img", src=url, alt=result.name or "", **known_sides)
    if result.video_codec or result.audio_codec:
        return tag("video" if result.video_codec else "audio", src=url, controls="")
    return tag("a", result.name or url, href=url)


def _markdown(result: Result, url: str) -> str:
    name = _MARKDOWN.sub(r"\\\1", " ".join((result.name or "").split()))
    return f"{'!' if result.file_type == 'image' else ''}[{name}]({url.translate(_URL)})"
