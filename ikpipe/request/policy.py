"""What the client believes of the service where nobody outside knows: every guess that it acts on, by name."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args

from ikpipe.errors import MappingError

OwnAnswers = Literal["known_or_request_id", "known", "any_json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """The guesses of the service's behaviour that ikpipe acts on, each with its reason.

    Parameters
    ----------
    index_lag
        Seconds after which a stored file is sure to appear in a search (guess: just-stored files may appear late).
        A file that is absent later than that after the last attempt was not stored.
    unique_names
        ``"client"``: where a unique name is wanted, the suffix is made here and the name fixed, so that a second copy
        is impossible, since its name is taken. ``"service"`` leaves it to the service, and a row in doubt that its
        token cannot settle stays ``unknown``, since nobody knows its name.
    names
        ``"stored"``: in the file names and folders of new files, characters other than letters, marks, numerals, ``.``,
        ``_`` and ``-`` are replaced by ``_`` before anything is signed, so that a file is stored under the name that
        was sent, whether the service replaces them (as its documentation says) or keeps them (guess: a recorded run of
        another client shows that it did). ``"as_given"`` sends names unchanged, for accounts that keep them, and looks
        for files under exactly these names.
    clock_skew
        Seconds by which the service's clock may be behind this one, when the age of a replaced file tells whether it
        is this row's (guess).
    first_wait
        Longest wait before the second attempt of a row, in seconds; it doubles with each, up to 30 s, and chance says
        how much of it is waited (guess: how long the service's troubles last).
    look_ups
        Look-ups begun per second, at most; 0 sets no limit (guess: the service takes about 40 reads a second).
    look_up_names
        Names that one look-up asks for, at most, of rows that wait for one (guess: how long a search may be).
    changes
        Changes of the library (deleting, tagging, purging, creating fields) asked for per second, at most; 0 sets no
        limit (guess: the service takes about 5 writes a second).
    answer_wait, answer_wait_per_mb
        Seconds that the answer to a file's bytes may take once the last of them has left, and as many more for each
        million bytes (guess: how long the service works on a file).
    own_answers
        Which answers with a `message` are the service's own, and so its word on a row: ``"known_or_request_id"``, a
        sentence that is documented or the header `x-ik-requestid` (docs: every reply has it); ``"known"``, documented
        sentences alone, where something in between copies the header; ``"any_json"``, where it removes it (guess: no
        gateway invents either).
    longest_wait
        Longest time that a server may name for one row to wait, in seconds; a row that is to wait longer ends (guess:
        what is asked for longer than that is an error, or not worth holding a row).
    longest_pause
        The same for a 429, which holds the whole run; a run that is to wait longer ends.
    url_wait
        Seconds that the answer to a URL may take, which the service fetches meanwhile (guess: a URL has 8 s for its
        headers, and no known time for its body).
    """

    index_lag: float = 30.0
    unique_names: Literal["client", "service"] = "client"
    names: Literal["stored", "as_given"] = "stored"
    clock_skew: float = 60.0
    first_wait: float = 0.5
    look_ups: float = 20.0
    look_up_names: float = 20
    changes: float = 5.0
    answer_wait: float = 30.0
    answer_wait_per_mb: float = 1.0
    url_wait: float = 120.0
    own_answers: OwnAnswers = "known_or_request_id"
    longest_wait: float = 60.0
    longest_pause: float = 900.0

    def __post_init__(self) -> None:
        if self.unique_names not in ("client", "service"):
            raise MappingError(f"Policy(unique_names={self.unique_names!r}): it is 'client' or 'service'.")
        if self.names not in ("stored", "as_given"):
            raise MappingError(f"Policy(names={self.names!r}): it is 'stored' or 'as_given'.")
        if self.own_answers not in get_args(OwnAnswers):
            raise MappingError(
                f"Policy(own_answers={self.own_answers!r}): use one of {', '.join(get_args(OwnAnswers))}."
            )
        for name in (
            field.name for field in fields(self) if field.name not in ("unique_names", "names", "own_answers")
        ):
            value = getattr(self, name)
            if not isinstance(value, (int, float)) or not 0 <= value < math.inf:
                raise MappingError(f"Policy({name}={value!r}): it is a number that is not negative.")

    def answer_within(self, size: int) -> float:
        """Give the seconds that the answer to a file of so many bytes may take."""
        return self.answer_wait + self.answer_wait_per_mb * size / 1e6
