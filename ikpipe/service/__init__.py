"""Every call to ImageKit. The only package that uses httpx.

::

    client.py           one upload attempt, media API calls, downloads, remote signing
    transport.py        an httpx transport for uploads: connections are opened and reused
    connection.py       one request on one connection (HTTP/1.1 on asyncio and httptools)
    message.py          a request as bytes, its time limits and states
    answers.py          answers that httpx reads, within a size and a time
    proxies.py          whether a proxy is used for an address
    body.py             the multipart body as a stream
    download.py         URLs that this machine opens: downloads and probes
    public_hosts.py     which hosts these may be
    spool.py            the temporary folder of downloads
    library.py          search the media library, read its files and metadata fields
    listing.py          `files`
    edits.py            `delete`, `add_tags`, `remove_tags`, `purge`
    metadata_fields.py  `metadata_fields`, `create_metadata_fields`
    refresh.py          `refresh`
    updates.py          details that arrive after an upload, merged into its result
"""
