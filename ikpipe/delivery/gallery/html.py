"""HTML as a tree of elements: text cannot become markup, and only web URLs become links."""

import re
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element, tostring

_CONTROLS = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_DIRECTIONS = re.compile("[\x80-\x9f\u202a-\u202e\u2066-\u2069]")  # which hide what a text is, such as its extension


def tag(name: str, /, *content: Element | str | None, **attributes: str | None) -> Element:
    """Return an element. Attribute names have underscores for hyphens, and a trailing one as in `class_`."""
    pairs = ((key.rstrip("_").replace("_", "-"), value) for key, value in attributes.items())
    element = Element(name, {key: clean(value) for key, value in pairs if value is not None})
    for part in content:
        if isinstance(part, Element):
            element.append(part)
        elif part:
            element.text = (element.text or "") + _DIRECTIONS.sub("\ufffd", clean(part))
    return element


def foreign(name: str, /, text: str | None, **attributes: str | None) -> Element:
    """Return an element with text from outside, whose writing direction cannot reorder the text around it."""
    return tag(name, text or "", dir="auto", **attributes)


def clean(text: str) -> str:
    """Return text without characters that HTML cannot contain: control characters and unpaired surrogates."""
    return _CONTROLS.sub("\ufffd", text)


def written(element: Element) -> str:
    """Return the tree as HTML."""
    return tostring(element, "unicode", "html")


def web_url(url: object) -> str | None:
    """Return a URL that may become a link (http or https, with a host); None for anything else, such as a script."""
    if not isinstance(url, str) or _CONTROLS.search(url):
        return None
    try:
        parts = urlsplit(url)
    except ValueError:
        return None
    return url if parts.scheme in {"http", "https"} and parts.hostname else None
