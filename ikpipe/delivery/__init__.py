"""Delivery URLs, transformations, galleries and reports.

::

    url.py              `url`: the delivery URL of a file, transformed and signed
    transformations.py  a transformation as URL text: steps, chains, overlays
    gallery/            `gallery`: a results frame as HTML
    prometheus.py       the metrics of a run as text for Prometheus
    reports.py          `summary` and `report`: totals of results, and problems by kind
"""

from ikpipe.delivery.url import url

__all__ = ["url"]
