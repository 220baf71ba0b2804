"""HTML as a tree: text from anywhere cannot become markup, and no address but a web address becomes a link."""

from __future__ import annotations

import re
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, tostring

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def tag(name: str, /, *content: Element | str | None, **attributes: str | None) -> Element:
    """Make an element; underscores stand for what Python's names cannot have, as in `class_` and `aria_label`."""
    named = {key.rstrip("_").replace("_", "-"): value for key, value in attributes.items() if value is not None}
    element = Element(name, {key: clean(value) for key, value in named.items()})
    for part in content:
        if isinstance(part, Element):
            element.append(part)
        elif part:
            element.text = (element.text or "") + clean(part)
    return element


def foreign(name: str, /, text: str | None, **attributes: str | None) -> Element:
    """Make an element of text from outside, whose own direction cannot reorder what stands beside it."""
    return tag(name, text or "", dir="auto", **attributes)


def clean(text: str) -> str:
    """Replace what no HTML can hold: control characters, and halves of characters."""
    return _CONTROLS.sub("\ufffd", text)


def written(element: Element) -> str:
    """Write the tree as HTML."""
    return tostring(element, "unicode", "html")


def web_url(url: object) -> str | None:
    """Give a URL that may become a link: http or https, with a host; None for any other thing, such as a script."""
    if not isinstance(url, str) or _CONTROLS.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.hostname else None
