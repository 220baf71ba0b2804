"""ImageKit's upload service on loopback, for trying and testing pipelines without an account.

It is written from the service's documentation alone and shares no code with the client, so that a misreading in one
shows as a failure with the other.

| module | contents |
|---|---|
| `server` | `Emulator` and `serve`: uvicorn in a thread or in the foreground; resets and refuses connections |
| `app` | the routes, the headers of all responses, the emulator's own endpoints |
| `routing` | finds the route of a request: other spellings of its path, preflight requests, 404 and 405 |
| `account` | everything that belongs to the one account |
| `rules` | `Rules`: every assumption about the service that can be set, and the checks of their values |
| `upload/` | the upload endpoint: form, token, validation, storage, response |
| `library/` | the media library API: lists, searches, tags, folders, custom metadata fields |
| `settings/` | the API of the account's settings and usage |
| `delivery/` | files at their URLs, and image transformations |
| `media/` | file type, dimensions, codecs and embedded metadata of a file |
| `store/` | files, versions, folders, used tokens and metadata fields in SQLite and on disk |
| `keys` | the account's keys, and the file that keeps them |
| `inbound_hosts` | refuses requests for foreign hosts, and web pages of other origins |
| `outbound_hosts` | refuses downloads from and webhooks to addresses that are not public |
| `webhooks` | signs, sends and retries webhooks |
| `faults` | kinds of fault, their probabilities and counts; `upload.fault_injection` carries them out |
| `usage_limits` | rate limits, quotas and other counters |
| `request_log` | the log of requests and their outcome |
| `background` | work that continues after the response |
| `signatures` | HMAC signatures of delivery URLs and V1 uploads |
| `error_responses` | error responses of the service |
| `strict_json` | JSON without Python's extensions |
"""

try:
    from ikpipe.emulator.rules import Rules
    from ikpipe.emulator.server import Emulator, serve
except ModuleNotFoundError as error:
    if (error.name or "").partition(".")[0] == "ikpipe":
        raise
    raise ImportError(
        f"The emulator needs the extra 'emulator', which is not installed completely ({error.name} is missing). "
        "Run: pip install 'ikpipe[emulator]'"
    ) from None

__all__ = ["Emulator", "Rules", "serve"]
