"""Start the shared journal of an upload: by the driver or, if that does not have the private key, by the workers.

Only a private key proves who wrote a journal. So a driver without one compares what the journal says of its run, and
believes nothing of it. Each process of a worker then starts the journal, or verifies the one that is there, once.
All workers of an upload would write the same: `JournalStart.facts` come from the driver.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from ikpipe.cluster.keys import only_workers_sign
from ikpipe.journal import shared
from ikpipe.journal.joining import compact
from ikpipe.journal.proof import Prover
from ikpipe.journal.shared_entries import Proof
from ikpipe.journal.storage import open_storage
from ikpipe.request.account import Account
from ikpipe.request.secrets import Secret

if TYPE_CHECKING:
    from ikpipe.cluster.part import PreparedUpload

_MOST = 64  # uploads whose journals a process remembers


class JournalStart(NamedTuple):
    """What the driver knows of a journal: the facts of a new run, and which of them an earlier run must have too."""

    facts: dict[str, Any]
    same: tuple[str, ...]


class StartedRun(NamedTuple):
    """The run of a journal: fields of `PreparedUpload`."""

    run: str
    since: float
    service_clock: bool
    has_parts: bool
    proof: Secret | None


_STARTED: dict[tuple[str, str], StartedRun] = {}
"""The runs that this process has started or verified, by upload and account."""


def start_run(
    account: Account, location: str | None, facts: dict[str, Any], same: tuple[str, ...], *, trust: bool
) -> tuple[StartedRun, JournalStart | None]:
    """Return the run of an upload, and what workers start its journal with if this process cannot.

    `location` is the journal's place; None: the upload has none. The other parameters are those of `shared.begin`.
    Raise `JournalError` as that does.
    """
    new = StartedRun(facts["run"], facts["since"], facts["service_clock"], has_parts=False, proof=None)
    if location is None:
        return new, None
    start = JournalStart(facts, same)
    if not only_workers_sign(account):
        return _start_journal(account, location, start, trust=trust), None
    shared.check_same(open_storage(location), location, facts, same)
    return new, start


def _start_journal(
    account: Account, location: str, start: JournalStart, *, trust: bool, upload: str | None = None
) -> StartedRun:
    """Start the journal of a run, or continue the one that is there; join its files if they are many.

    `upload` is the id of the upload if several machines do this. Raise `JournalError` as `shared.begin` does.
    """
    prover, storage = Prover(account), open_storage(location)
    facts, seal = shared.begin(storage, location, start.facts, start.same, prover, trust=trust)
    compact(storage, location, Proof(seal.of_run(facts["run"])), upload)
    derived = account.authentication_endpoint is None and prover.has_key and seal is prover.own
    proof = None if derived else seal.of_run(facts["run"]).secret()
    return StartedRun(facts["run"], facts["since"], facts.get("service_clock") is True, shared.has_parts(facts), proof)


def with_journal(upload: PreparedUpload, account: Account) -> PreparedUpload:
    """Return an upload with the run of its journal, which a worker starts if the driver could not.

    `account` has the private key. Raise `JournalError` if the journal belongs to another run, or nothing proves that
    this account wrote it.
    """
    if upload.to_start is None or upload.journal is None:
        return upload
    known = (upload.id, account.public_key)
    if (run := _STARTED.get(known)) is None:
        account.check()
        run = _start_journal(account, upload.journal, upload.to_start, trust=upload.trust_journal, upload=upload.id)
        for other in [*_STARTED][:-_MOST]:
            _STARTED.pop(other, None)
        _STARTED[known] = run
    return replace(upload, to_start=None, **run._asdict())
