"""URLs that a page adds: a page is not trusted, so they are nothing but http(s) URLs, never paths of this machine."""

from collections.abc import Sequence

from ikpipe.errors import InvalidValue
from ikpipe.request.urls import valid_url


def read_links(texts: Sequence[str]) -> tuple[list[str], list[int]]:
    """Return the valid URLs among texts, and the places of those that are not."""
    urls, refused = [], []
    for at, text in enumerate(texts):
        try:
            urls.append(valid_url(text))
        except InvalidValue:
            refused.append(at)
    return urls, refused
