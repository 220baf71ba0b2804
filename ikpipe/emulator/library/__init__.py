"""The media library API.

A module of `routes.SUBJECTS` has the handlers of one subject and its `ROUTES`. A further subject is a module, and its
name there.

| module | contents |
|---|---|
| `routes` | all routes, and what they share: authentication, rate limit, JSON body, commit |
| `calls` | what a handler gets, and how a route names its handler |
| `request_body` | reads the JSON of requests, and ids in their paths |
| `listing` | lists and searches |
| `files` | details and deletion |
| `details_update` | changes of details |
| `versions` | the versions of a file |
| `file_paths` | copies, moves and renames of a file |
| `relocation` | copies or moves a file with its versions |
| `metadata` | the metadata of a file or a URL |
| `tags` | tags of many files |
| `purges` | cache purges |
| `folders` | folders |
| `bulk_jobs` | copies, moves and renames of folders |
| `folder_jobs` | runs them, and deletions of folders |
| `fields` | custom metadata fields |
| `custom_fields` | checks custom metadata fields, and the values in them |
| `search` | the fields of a `searchQuery` |
| `query_parser` | parses the language of searches and of the upload parameter `checks` |
| `file_events` | webhooks about changes of files |
| `file_details` | the JSON of a file, and its URLs |
"""
