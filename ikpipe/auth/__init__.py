"""The `authenticationEndpoint` of ImageKit's upload documentation: signs upload tokens that a policy allows.

::

    allow.py          `Allow`: who may have what signed
    payload.py        a request's body to what is to be signed
    messages.py       `Request` and `Reply`
    refusal.py        a status and a message
    rate.py           how often a caller may ask
    signer.py         `Desk`: a request in, a reply out, without a server: for Flask, Lambda and others
    bearer_tokens.py  callers with bearer tokens, from a file
    openapi.py        the endpoint's OpenAPI document
    endpoint.py       `endpoint`: an ASGI application
    server.py         the application on a port: `ikpipe auth-server`
"""

from ikpipe.auth.allow import Allow
from ikpipe.auth.bearer_tokens import bearers
from ikpipe.auth.endpoint import endpoint
from ikpipe.auth.messages import Reply, Request
from ikpipe.auth.signer import Desk

__all__ = ["Allow", "Desk", "Reply", "Request", "bearers", "endpoint"]
