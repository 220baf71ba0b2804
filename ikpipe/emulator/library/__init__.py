"""The media library API.

| module | contents |
|---|---|
| `api` | the routes: lists, details, deletion, tags, purges, folders, custom metadata fields |
| `request_body` | reads the JSON of requests |
| `search` | the fields of a `searchQuery` |
| `query_parser` | parses the language of searches and of the upload parameter `checks` |
| `custom_fields` | checks custom metadata fields, and the values in them |
| `file_details` | the JSON of a file, and its URLs |
"""
