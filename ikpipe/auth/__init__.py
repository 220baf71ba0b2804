"""The `authenticationEndpoint` of ImageKit's upload documentation: signs upload tokens that a policy allows.

::

    allow.py            `Allow`: the policy, who may have what signed
    payload.py          parse and check a request's body
    messages.py         `SigningRequest` and `SigningReply`
    refusal.py          a rejection: HTTP status and message
    rate.py             the rate limit of each caller
    signing_service.py  `SigningService`: answers a request without a server, for Flask, Lambda and others
    bearer_tokens.py    `bearers`: authenticate callers by bearer tokens from a file
    endpoint.py         `endpoint`: an ASGI application
    server.py           serve the application on a port: `ikpipe auth-server`
"""

from ikpipe.auth.allow import Allow
from ikpipe.auth.bearer_tokens import bearers
from ikpipe.auth.endpoint import endpoint
from ikpipe.auth.messages import SigningReply, SigningRequest
from ikpipe.auth.signing_service import SigningService

__all__ = ["Allow", "SigningReply", "SigningRequest", "SigningService", "bearers", "endpoint"]
