"""Assumptions about the service: every guess about its behavior that ikpipe acts on, by name."""

import math
from dataclasses import dataclass, fields
from typing import Literal, get_args

from ikpipe.errors import ApiName, MappingError

OwnAnswers = Literal["known_or_request_id", "known", "any_json"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """Assumptions about the service's behavior that ikpipe acts on, each with its reason.

    Parameters
    ----------
    index_lag
        Seconds after which a stored file certainly appears in a search (guess: new files may appear late). A file that
        is absent after this time was not stored.
    unique_names
        ``"client"``: the suffix of a unique name is made here and the name is fixed, so that a second copy is
        impossible, since its name is taken. ``"service"``: the service makes the suffix, and an unconfirmed row can
        stay ``unknown``, since its name is not known.
    names
        ``"stored"``: in the file names and folders of new files, characters other than letters, marks, numerals, ``.``,
        ``_`` and ``-`` are replaced by ``_`` before anything is signed, so that a file is stored under the name that
        was sent, whether the service replaces them (as its documentation says) or keeps them (guess: a recorded run of
        another client shows that it did). ``"as_given"`` sends names unchanged, for accounts that keep them, and
        searches for files under exactly these names.
    clock_skew
        Seconds by which the service's clock may be behind this one, when the time of a replaced file shows whether it
        is this row's (guess).
    first_wait
        Longest wait before the second attempt of a row, in seconds; it doubles with each attempt, up to 30 s, and the
        wait is a random part of it (guess: how long outages last).
    retry_budget
        Maximum number of retries that the rows of a run make without waiting; each success and each second gives one
        back, and further retries wait (guess: how many requests a service that fails can bear).
    look_ups
        Maximum number of library searches per second; 0 sets no limit (guess: the service allows about 40 reads).
    look_up_names
        Maximum number of names in one search (guess: how long a search may be).
    changes
        Maximum number of library changes (deleting, tagging, purging, creating fields) per second; 0 sets no limit
        (guess: the service allows about 5 writes).
    answer_wait, answer_wait_per_mb
        Seconds that the answer may take after the last byte of a file was sent, and further seconds for each million
        bytes (guess: how long the service works on a file).
    own_answers
        Which answers with a `message` come from the service itself: ``"known_or_request_id"``, those with a documented
        message or the header `x-ik-requestid` (docs: every reply has it); ``"known"``, those with a documented message,
        for networks in which a proxy copies the header; ``"any_json"``, all, for proxies that remove it (guess: no
        gateway invents either).
    longest_wait
        Longest wait that a server may ask for one row, in seconds; if it asks for more, the row fails (guess: a longer
        wait is an error, or not worth it).
    longest_pause
        The same for a 429, for which the whole run waits; if it asks for more, the rows fail.
    url_wait
        Seconds that the answer to a URL may take, while the service fetches it (guess: a URL has 8 s for its headers,
        and an unknown time for its body).
    """

    index_lag: float = 30.0
    unique_names: Literal["client", "service"] = "client"
    names: Literal["stored", "as_given"] = "stored"
    clock_skew: float = 60.0
    first_wait: float = 0.5
    retry_budget: float = 100.0
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
        choices = {
            "unique_names": ("client", "service"),
            "names": ("stored", "as_given"),
            "own_answers": get_args(OwnAnswers),
        }
        for name in (field.name for field in fields(self)):
            value = getattr(self, name)
            if name in choices and value not in choices[name]:
                rule = f"be one of {', '.join(map(repr, choices[name]))}"
            elif name not in choices and not (isinstance(value, (int, float)) and 0 <= value < math.inf):
                rule = "be a number that is not negative"
            else:
                continue
            raise MappingError(f"The value must {rule}.", about=ApiName("policy", name, value))

    def answer_within(self, size: int) -> float:
        """Return how many seconds the answer to a file of this size in bytes may take."""
        return self.answer_wait + self.answer_wait_per_mb * size / 1e6
