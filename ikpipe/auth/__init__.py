"""The seed's `authenticationEndpoint`: signs for those who must not hold the private key, what a policy allows.

::

    policy.py    `Allow`: who may have what signed
    request.py   a request's body → what is to be signed, or why it is malformed
    refusal.py   a status, and words
    rate.py      how often a caller may ask
    desk.py      `Desk`: a request in, an answer out, without a server: for Flask, Lambda and whatever else
    callers.py   callers that show tokens of their own, from a file
    document.py  the endpoint's OpenAPI document
    endpoint.py  `endpoint`: the desk as an ASGI application
    server.py    the application on a port: `ikpipe auth-server`
"""

from ikpipe.auth.callers import bearers
from ikpipe.auth.desk import Desk, Reply, Request
from ikpipe.auth.endpoint import endpoint
from ikpipe.auth.policy import Allow

__all__ = ["Allow", "Desk", "Reply", "Request", "bearers", "endpoint"]
