"""Every request to ImageKit, and downloads of URLs. The only package that uses httpx.

::

    client.py           `ServiceClient`: upload attempts, media API requests with their retries, remote signing
    body.py             the multipart body of an upload as a stream
    upload_routes.py    how an upload is sent: own transport, proxy or the caller's transport; socket options
    transport.py        the HTTP transport of uploads: opens, reuses and closes connections
    connection.py       one HTTP/1.1 connection: sends a request, reads its response, enforces time limits
    exchange_log.py     the log of requests and their responses
    exchange.py         a request as bytes, time limits, the states of request and response
    response_limits.py  reads the responses of httpx within a size and a time
    certificates.py     which certificate authorities are trusted
    proxies.py          whether a proxy is used for an address
    download.py         downloads and probes of URLs; checks redirects
    public_hosts.py     which hosts and addresses may be downloaded from
    spool.py            temporary files of downloads
    library.py          search the media library, read details of files and metadata fields
    listing.py          `files`
    edits.py            `delete`, `add_tags`, `remove_tags`, `purge`
    metadata_fields.py  `metadata_fields`, `create_metadata_fields`
    refresh.py          `refresh`
    account_check.py    check an account's keys; what it has used
    clock.py            how far this machine's clock is from a server's
    network_check.py    check the way to the service, step by step
    findings.py         what a check has found
    updates.py          merge details that arrive after an upload into its result

Rate limits of the service: `request/reply.py` reads the one that a 429 names, `concurrency/rate.py` applies it.
"""
