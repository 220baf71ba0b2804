"""http(s) URLs as a browser would send them (WHATWG URL), from the text of cells."""

import re
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import idna

from ikpipe.errors import InvalidValue, quoted

# The WHATWG percent-encode sets, as the characters that `quote` leaves; '%' stays, or it would be encoded twice.
_PATH = "%!$&'()*+,;=:@/~[]|-._"
_QUERY = "%!$&()*+,;=:@/?~[]|-._`{}\\^"
_FRAGMENT = _QUERY.replace("`", "") + "#'"
_USER = "%!$&'()*+,~-._"

_DEFAULT_PORTS = {"http": 80, "https": 443}

# Fast paths for most URLs: `_PLAIN` stays as it is, and of `_NEARLY` the path is encoded.
_HOST = r"https?://(?:[a-z0-9_-]+\.)*[a-z0-9_-]+"
_PLAIN = re.compile(rf"{_HOST}(/[A-Za-z0-9_.~!$&'()*+,;=:@/|\[\]%-]*)(?:\?[A-Za-z0-9_.~!$&()*+,;=:@/?%-]+)?")
_NEARLY = re.compile(rf"({_HOST})(/[^?#\\\x00-\x1f\x7f]*)(?<! )")


def valid_url(text: str) -> str:
    """Return an http(s) URL encoded as a browser would: spaces, non-ASCII letters, international hosts.

    Raise `InvalidValue` with ``bad_url`` for another scheme, no host, or a host that cannot be.
    """
    # Browsers strip spaces at the ends and drop line breaks and tabs anywhere (WHATWG URL, 4.4).
    clean = re.sub(r"[\t\n\r]", "", text.strip("".join(map(chr, range(0x21)))))
    # They take a backslash for a slash, except in the query and after it.
    clean = re.sub(r"^[^?#]*", lambda match: match[0].replace("\\", "/"), clean)
    try:
        clean.encode()  # half a character is a ValueError as well
        parts = urlsplit(clean)
        port = parts.port
        if parts.scheme not in _DEFAULT_PORTS or not parts.hostname:
            raise ValueError("it must start with http:// or https:// and a host")
        host = _host(parts.hostname)
    except ValueError as error:
        rule = f"is not a valid URL: {quoted(text)} ({error})."
        raise InvalidValue.breaks(rule, "bad_url", "Use a URL such as https://example.com/image.jpg.") from None
    user = f"{quote(parts.netloc.rpartition('@')[0], safe=_USER + ':')}@" if parts.username or parts.password else ""
    where = "" if port in (None, _DEFAULT_PORTS[parts.scheme]) else f":{port}"
    path, query = quote(parts.path, safe=_PATH) or "/", quote(parts.query, safe=_QUERY)
    fragment = quote(parts.fragment, safe=_FRAGMENT)
    return urlunsplit((parts.scheme, f"{user}{host}{where}", path, query, fragment))


def _host(host: str) -> str:
    if ":" in host:
        return f"[{host}]"
    # Not idna.encode: it refuses emoji, as IDNA 2008 does, and browsers do not.
    mapped = host if host.isascii() else idna.uts46_remap(host, std3_rules=False)
    labels = [label if label.isascii() else f"xn--{label.encode('punycode').decode()}" for label in mapped.split(".")]
    if not mapped.strip(".") or re.search(r"[\x00-\x20\x7f#/:<>?@\[\\\]^`{|}%\"]", mapped):
        raise ValueError(f"{host!r} is not a valid host")
    return ".".join(labels)


def last_segment(text: str) -> str:
    """Return the last segment of a URL's path, percent-decoded: the file's name if none is given."""
    return unquote(urlsplit(text).path.rpartition("/")[2])


def plain_place(text: str) -> tuple[str, str] | None:
    """Return the `valid_url` of a common kind of URL, and its `last_segment`; None for other text."""
    address = text
    if plain := _PLAIN.fullmatch(text):
        path = plain[1]
    elif nearly := _NEARLY.fullmatch(text):
        try:
            path = quote(nearly[2], safe=_PATH)
        except UnicodeEncodeError:
            return None
        address = nearly[1] + path
    else:
        return None
    name = path.rpartition("/")[2]
    return address, unquote(name) if "%" in name else name
