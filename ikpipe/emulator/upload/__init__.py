"""The upload endpoint.

In the order in which a request passes through them:

| module | contents |
|---|---|
| `endpoint` | the steps of an upload, in order |
| `fault_injection` | wraps the endpoint: resets connections, damages responses |
| `form` | parses the multipart body; large files go to disk |
| `capacity` | how many uploads are processed at once, and how long each takes |
| `validators` | the checks of a request in order, one per function |
| `authentication` | who uploads: token, V1 signature or private key; whether a token was used before |
| `jwt_reading` | verifies the JSON Web Token |
| `parameters` | what each form field may contain |
| `checks_parameter` | the conditions in the parameter `checks` |
| `file_sources` | a `file` that is a URL, a data URI or base64 |
| `transformations` | transformations before and after storing, and their webhooks |
| `storage` | unique names, versions, overwriting; stores the file |
| `extensions` | stand-ins of the extensions, at once or later |
| `reply` | composes the response |
"""
