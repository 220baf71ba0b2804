"""Delivery URLs, transformations, and a gallery of results.

::

    url.py              `url`: the delivery URL of a file, transformed and signed
    transformations.py  a transformation as URL text: steps, chains, overlays
    gallery/            `gallery`: a results frame as HTML
"""

from ikpipe.delivery.url import url

__all__ = ["url"]
