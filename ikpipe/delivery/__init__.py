"""Delivery URLs, transformations, and results as pictures.

::

    url.py              `url`: a path or URL to a delivery URL, signed if wanted
    transformations.py  transformations as text: steps, chains, layers
    gallery/            `gallery`: a results frame as HTML
"""

from ikpipe.delivery.url import url

__all__ = ["url"]
