"""The media library's API.

| module | part |
|---|---|
| `api` | lists and searches, details, deletion, tags, custom metadata fields |
| `search`, `query` | the search language |
| `fields` | custom metadata fields |
| `folders` | folders |
| `purge` | the cache |
| `replies` | the JSON of the replies |
"""
