"""The upload endpoint.

A request's way, in order:

| module | part |
|---|---|
| `endpoint` | the recipe of all that follows |
| `fault_injection` | faults around the endpoint |
| `form` | the multipart body, read to disk |
| `capacity` | how many uploads it works on at once, and how long |
| `authentication`, `tokens` | who uploads; the JSON Web Token, verified by hand |
| `validators` | the checks, one a function, in order |
| `parameters`, `extensions`, `checks` | what each field may hold |
| `fetch` | a `file` that is a URL or base64 |
| `placing` | names, versions, overwriting |
| `storing` | what becomes of the file |
| `pre_post` | transformations before and after storing, and their events |
| `run_extensions` | what extensions leave, at once or later |
"""
