"""ImageKit's upload service on loopback, for trying and testing pipelines without an account.

Written from the documents alone: it shares nothing with the client, so that a misreading shows.

| module | part |
|---|---|
| `server` | uvicorn in a thread; `Emulator`, `serve` |
| `app` | the routes |
| `account` | what belongs to one account: all of these together |
| `upload/` | the upload endpoint: form, token, checks, storing, what follows |
| `library/` | the media library's API, and its search language |
| `delivery/` | files at their addresses, and transformations |
| `media/` | what a file is, and the metadata in it |
| `store` | SQLite and files |
| `keys`, `visitors` | the account's keys; which hosts and web pages may use it |
| `outbound` | requests that it sends: URL files and webhooks, to allowed addresses only |
| `settings`, `load`, `log` | rules that can be set; counters; what arrived |
| `faults` | what can go wrong, and how often |
| `background`, `webhooks` | what goes on after the reply; webhooks |
| `signing` | signatures with the private key |
| `refusals`, `strict_json` | refusals; JSON without Python's additions |
"""

from ikpipe.emulator.server import Emulator, serve
from ikpipe.emulator.settings import Rules

__all__ = ["Emulator", "Rules", "serve"]
