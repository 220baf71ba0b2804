"""ImageKit's upload service on loopback, for trying and testing pipelines without an account.

Written from the documents alone: it shares nothing with the client, so that a misreading shows. A request's way:

| file | part |
|---|---|
| `server` | uvicorn in a thread; `Emulator`, `serve` |
| `app` | the routes |
| `visitors` | who is answered: host names, origins |
| `keys` | the account's keys, kept in its directory |
| `form` | the multipart body, read to disk |
| `tokens` | the JSON Web Token, proved by hand |
| `authentication`, `rules` | the checks, one a function, in order: who uploads, then what |
| `parameters`, `extensions`, `fields`, `checks` | what each field may hold |
| `fetch` | a `file` that is a URL or base64 |
| `upload`, `keeping` | the recipe of all these; what becomes of the file |
| `placing` | names, versions, overwriting |
| `store` | SQLite and files |
| `preparing` | transformations before and after storing, and their events |
| `extending` | what extensions leave, at once or later |
| `outbound` | which addresses it fetches from and posts to |
| `background`, `webhooks` | what goes on after the answer; what is told to others |
| `media` | what a file is |
| `delivery`, `signing` | files at their addresses; signatures |
| `steps`, `arithmetic`, `geometry` | transformations as text; what they make of sizes |
| `transforming`, `painting` | a picture becomes another |
| `library`, `search`, `query` | the media library's API; its language |
| `replies`, `refusals`, `strict_json` | the JSON of answers, and of what is sent |
| `settings`, `load`, `log` | rules that can be set; counters; what arrived |
| `capacity` | how many uploads it works on at once, and how long |
| `faults`, `faulty` | what can go wrong, and how often it did; how it goes wrong |
| `account` | what belongs to one account: all of these together |
"""

from ikpipe.emulator.server import Emulator, serve
from ikpipe.emulator.settings import Rules

__all__ = ["Emulator", "Rules", "serve"]
