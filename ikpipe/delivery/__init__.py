"""Where files are delivered, and how they are transformed on their way.

::

    grammar.py   transformations as text: steps, chains, layers
    address.py   `url`: path or URL → a delivery URL, signed if wanted
"""

from ikpipe.delivery.address import url

__all__ = ["url"]
