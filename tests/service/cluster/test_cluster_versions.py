"""Another version of ikpipe or pandas on a worker: one sentence, and nothing is sent."""

from __future__ import annotations

import logging
import pickle
import platform
from dataclasses import fields, replace
from typing import TYPE_CHECKING, Any

import cloudpickle
import pytest
from parts import plan, table

import ikpipe
from ikpipe import cluster
from ikpipe.cluster.portable import OtherVersion, own_version, restored
from ikpipe.cluster.update import prepare_update
from ikpipe.spark import _PartitionWork

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from ikpipe import Account
    from ikpipe.emulator import Emulator

OTHER = "9.9.9"


def on_worker(prepared: Any, made_by: str = OTHER, **changes: Any) -> Any:
    """Return what was prepared as another version unpickles it; `changes` are other fields."""
    restore, (_, kind, values) = prepared.__reduce__()
    assert restore is restored
    return restored(made_by, kind, values | changes)


def prepared(account: Account, kind: str) -> Any:
    """Prepare an upload or an update."""
    if kind == "upload":
        return plan(account)
    return prepare_update(account, slots=1, tags=["a"], columns={"file_path": "sku"})


NOTHING = {"upload": "rows of this part were not sent", "update": "files of this part were not changed"}


@pytest.mark.parametrize("kind", NOTHING)
@pytest.mark.parametrize(
    "use",
    [
        lambda one: one(table(1)),
        lambda one: [*one.each([table(1)])],
        lambda one: one.replaced(slots=2),
        lambda one: one.send_options,
        lambda one: [*_PartitionWork(one, ["sku"])(iter([]))],
    ],
)
def test_another_version_says_so(use: Callable[[Any], Any], kind: str, account: Account) -> None:
    """With both versions, the machine, and what to do; whatever an engine does first."""
    there = on_worker(prepared(account, kind))
    with pytest.raises(ikpipe.Error) as caught:
        use(there)
    machine = f"the machine {platform.node()} has ikpipe {own_version()}"
    assert str(caught.value) == (
        f"This {kind} was prepared by ikpipe {OTHER}, but {machine}. The {NOTHING[kind]}. Install the same version of "
        "ikpipe on the driver and on all workers."
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"new_field": ("plain", 1)},
        {"policy": ("Policy", {"assumption_of_tomorrow": 1.0})},
        {"account": ("Account", ({"public_key": "public_a", "setting_of_tomorrow": 1}, (), None))},
        {"proof": ("ClassOfTomorrow", "")},
    ],
)
def test_another_build_of_the_same_version_says_so(changes: dict[str, Any], account: Account) -> None:
    """As between two commits, or with a patched package; neither `TypeError` nor `AttributeError`."""
    there = on_worker(plan(account), own_version(), **changes)
    with pytest.raises(ikpipe.Error, match="has another build of that version"):
        there(table(1))


def test_a_module_of_another_version_says_so(account: Account) -> None:
    """Its classes can have moved."""
    _, (_, _, values) = plan(account).__reduce__()
    there = restored(own_version(), "ikpipe.cluster.of_tomorrow:PreparedUpload", values)
    with pytest.raises(ikpipe.Error, match="has another build of that version"):
        there(table(1))


def test_a_pickle_of_an_earlier_version_says_so(account: Account) -> None:
    """One without a version, which has the fields themselves."""
    there = object.__new__(cluster.PreparedUpload)
    there.__setstate__({"id": "1", "account": account, "slots": 1})
    there = pickle.loads(pickle.dumps(there))  # noqa: S301 - our own
    with pytest.raises(ikpipe.Error, match="This upload was prepared by an earlier version of ikpipe, but the machine"):
        there(table(1))


def test_a_scheduler_of_another_version_passes_it_on(emulate: Callable[..., Emulator]) -> None:
    """It only unpickles and pickles; the worker has the driver's version."""
    upload = plan(emulate().account)
    scheduler = on_worker(upload)
    assert isinstance(scheduler, OtherVersion)
    restore, (made_by, *pickled) = pickle.loads(pickle.dumps(scheduler)).__reduce__()  # noqa: S301 - our own
    assert made_by == OTHER
    there = restore(own_version(), *pickled)
    assert set(there(table(2))["ik_status"]) == {"uploaded"}


@pytest.mark.parametrize("dump", [pickle.dumps, cloudpickle.dumps])
def test_every_field_is_pickled(dump: Callable[[Any], bytes], account: Account, tmp_path: Path) -> None:
    """Nothing is lost between machines of the same version."""
    for one in (
        plan(account, journal=tmp_path / "journal", key="sku"),
        plan(ikpipe.Account("public_of_a_driver"), journal=tmp_path / "other", profile="shop"),
        prepared(account, "update"),
    ):
        twin = pickle.loads(dump(one))  # noqa: S301 - our own
        assert type(twin) is type(one)
        for field in fields(one):
            assert getattr(twin, field.name) == getattr(one, field.name), field.name


def test_another_pandas_is_a_warning(emulate: Callable[..., Emulator], caplog: pytest.LogCaptureFixture) -> None:
    """Cells can differ between major versions."""
    upload = replace(plan(emulate().account), packages={"pandas": "1.5.3"})
    for _ in range(2):
        upload(table(1))
    (words,) = [one.getMessage() for one in caplog.records if one.levelno == logging.WARNING]
    assert "has pandas" in words
    assert "the driver has 1.5.3" in words
