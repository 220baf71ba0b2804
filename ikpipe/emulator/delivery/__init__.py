"""Files at their addresses, as they were uploaded or transformed.

| module | part |
|---|---|
| `endpoint` | the addresses, and who may have which file |
| `grammar` | transformations as text |
| `arithmetic`, `geometry` | expressions; what a step makes of a picture's size |
| `render`, `painting` | a picture becomes another |
| `pictures` | opens uploaded, untrusted pictures |
"""
