"""A program that reads or stores one password in the system's keyring, for `keyring_access`.

It reads a request from standard input and writes its answer to standard output, both as JSON. It runs in a process of
its own, which can be ended if a keyring waits for somebody, and imports nothing of ikpipe.
"""

import json
import os
import sys


def main() -> None:
    """Carry out a request: `service`, `name` and, to store it, `secret`."""
    request = json.load(sys.stdin)
    answer_stream = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a backend prints is not part of the answer
    json.dump(_answer(request), answer_stream)
    answer_stream.close()


def _answer(request: dict[str, str]) -> dict[str, str | None]:
    """Return the password, or the kind of error: ``none``, ``locked`` or ``failed``, with a reason."""
    import keyring
    from keyring import errors

    service, name = request["service"], request["name"]
    try:
        if "secret" in request:
            keyring.set_password(service, name, request["secret"])
            if keyring.get_password(service, name) != request["secret"]:
                return {"error": "none"}  # a backend that keeps nothing
        return {"secret": keyring.get_password(service, name)}
    except errors.NoKeyringError:
        return {"error": "none"}
    except (errors.KeyringLocked, EOFError):  # the latter from a question that nobody can answer
        return {"error": "locked"}
    except Exception as error:  # noqa: BLE001 - backends raise what their systems do
        return {"error": "failed", "reason": f"{type(error).__name__}: {error}"}


if __name__ == "__main__":
    main()
