"""The values of options: each function reads a text, and raises `ArgumentTypeError` if it is not valid."""

from argparse import ArgumentTypeError


def pair(text: str) -> tuple[str, str]:
    """Return the name and the value of an option's text."""
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise ArgumentTypeError(f"{text!r} is not NAME=VALUE")
    return name, value


def count(text: str) -> int:
    """Return a whole number of at least 1."""
    return _at_least(1, text)


def whole(text: str) -> int:
    """Return a whole number of at least 0."""
    return _at_least(0, text)


def port(text: str) -> int:
    """Return the number of a port; 0 is a free one."""
    if not text.isascii() or not text.isdigit() or int(text) > 65535:  # noqa: PLR2004 - the highest port number
        raise ArgumentTypeError(f"{text!r} is not a port number (0 to 65535)")
    return int(text)


def bandwidth(text: str) -> str:
    """Return a limit of bytes per second, which the library reads again."""
    from ikpipe.concurrency.bandwidth_schedule import BandwidthSchedule

    try:
        BandwidthSchedule.read(text)
    except ValueError as error:
        raise ArgumentTypeError(str(error)) from None
    return text


def positive(text: str) -> float:
    """Return a number above 0."""
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ArgumentTypeError(f"{text!r} is not a number above 0")
    return number


def _at_least(minimum: int, text: str) -> int:
    if not text.isascii() or not text.isdigit() or int(text) < minimum:
        raise ArgumentTypeError(f"{text!r} is not a whole number of at least {minimum}")
    return int(text)
