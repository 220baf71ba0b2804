"""The `authenticationEndpoint` of ImageKit's upload documentation: signs upload tokens that a policy allows.

::

    allow.py          `Allow`: who may have what signed
    payload.py        a request's body to what is to be signed
    messages.py       `SigningRequest` and `SigningReply`
    refusal.py        a status and a message
    rate.py           how often a caller may ask
    signer.py         `SigningService`: a request in, a reply out, without a server: for Flask, Lambda and others
    bearer_tokens.py  callers with bearer tokens, from a file
    endpoint.py       `endpoint`: an ASGI application
    server.py         the application on a port: `ikpipe auth-server`
"""

from ikpipe.auth.allow import Allow
from ikpipe.auth.bearer_tokens import bearers
from ikpipe.auth.endpoint import endpoint
from ikpipe.auth.messages import SigningReply, SigningRequest
from ikpipe.auth.signer import SigningService

__all__ = ["Allow", "SigningReply", "SigningRequest", "SigningService", "bearers", "endpoint"]
