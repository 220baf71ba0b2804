"""The private key of an account on a cluster: workers have it, the driver need not."""

from __future__ import annotations

import logging
import platform
from hmac import compare_digest

from ikpipe.errors import AccountError
from ikpipe.journal.proof import Prover
from ikpipe.request.account import Account
from ikpipe.request.profiles import VARIABLES
from ikpipe.run import engine
from ikpipe.run.existing.rules import ExistingRules

_log = logging.getLogger("ikpipe.cluster")


def only_workers_sign(account: Account) -> bool:
    """Whether this process cannot sign for an account, so that the workers have to have its private key."""
    return account.private_key is None and account.authentication_endpoint is None


def check_driver(account: Account, profile: str | None, rules: ExistingRules | None = None) -> None:
    """Check the account of the process that prepares an upload or update.

    `profile` is the profile of the workers, which can have what is missing here. Raise `AccountError` if the account is
    not one, or its endpoint cannot sign or `rules` need a key that nobody has.
    """
    if not isinstance(account, Account):
        engine.check_account(account)  # raises
    if only_workers_sign(account):
        words = "This process does not have the private key of %s: the workers take it from their %s."
        _log.info(words, account.public_key, f"profile {profile!r}" if profile else "environment or configuration")
    elif profile is None:
        engine.check_account(account, rules)


def key_mark(account: Account) -> str | None:
    """Return a text by which another machine recognizes the same private key; None without one.

    The key cannot be derived from it: like the MAC of a journal, it is a hash with the key (`journal/proof.py`).
    """
    prover = Prover(account)
    return prover.own(b"key of the driver").hex() if prover.has_key else None


def account_here(account: Account, profile: str | None, mark: str | None) -> Account:
    """Return the account of a prepared upload or update with the secrets of this machine.

    `profile` is the profile that has them; None: the environment. `mark` is the `key_mark` of the driver's key. Raise
    `AccountError`, which names the machine, if there is no key, or it is that of another account.
    """
    if profile is not None:
        account = account.from_profile(profile)
    mark_here = None if mark is None else key_mark(account)
    if mark is not None and mark_here is not None and not compare_digest(mark, mark_here):
        where = VARIABLES["private_key"] if profile is None else f"the private key of the profile {profile!r}"
        raise AccountError(
            f"The private key on the machine {platform.node()} is not the one that the driver has for the account "
            f"{account.public_key}.",
            fix=f"Set {where} there to the key of this account.",
        )
    return account
