"""What happens is what was planned: random libraries, tables and options, row by row."""

from __future__ import annotations

import random
from collections import Counter
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
import nights
import pandas as pd
import pytest
from emulator_client import LOOPBACK, Client

import ikpipe
from ikpipe.emulator import Emulator

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

STATUS = {
    **dict.fromkeys(("upload", "replace"), "uploaded"),
    "update": "updated",
    "skip": "skipped",
    "error": "failed",
    **{one: one for one in ("unchanged", "duplicate", "invalid")},
}
"""Action of the plan → status of the result."""
WITH_FILE = ("replace", "update", "unchanged", "skip")
OLD, NEW, LONG = "old", "new", "much longer, and so of another size" * 2
CHANGES = ["none", "none", "same size", "other size", "tags", "private", "deleted", "never ours", "never there"]
"""What became of the file that ikpipe stored the first night."""


class Options(NamedTuple):
    """How a table is uploaded; `mode` is `on_existing`, or unique names."""

    mode: str | None
    changed_by: str
    state: str
    dedupe: bool

    def keywords(self, states: dict[str, str]) -> dict[str, Any]:
        """Return the keywords of `upload` and `plan`."""
        names = {"use_unique_file_name": self.mode == "unique"} if self.mode in (None, "unique") else {}
        return {
            **names,
            "on_existing": None if names else self.mode,
            "changed_by": self.changed_by,
            "state": states[self.state],
            "dedupe": self.dedupe,
        }


class ScenarioRow(NamedTuple):
    """A row, and the file at its target before."""

    sku: str
    content: str
    tags: str | None
    private: bool | None
    revision: int
    change: str

    def model(self, options: Options) -> str:
        """Return the action that the documentation promises."""
        if self.content == "":
            return "invalid"
        if options.mode == "unique" or self.change in ("deleted", "never there"):
            return "upload"
        if options.mode in (None, "replace", "skip", "error"):
            return options.mode if options.mode in ("skip", "error") else "replace"
        if not self._same_content(options):
            return "replace"
        if (self.private or False) != (self.change == "private") and self.private is not None:
            return "replace"
        tags = {"tags": "theirs", "none": "red", "private": "red"}.get(self.change)
        return "unchanged" if self.tags in (None, tags) else "update"

    def _same_content(self, options: Options) -> bool:
        there = {"same size": NEW, "other size": LONG, "never ours": NEW}.get(self.change, OLD)
        ours = self.change in ("none", "tags") and options.state != "lost"
        # What the library's metadata say is gone once somebody else replaces the file.
        replaced = self.change in ("same size", "other size", "private") and options.state not in ("lost", "library")
        if options.changed_by == "size" or not (ours or replaced):
            return len(nights.gif(self.content)) == len(nights.gif(there))
        if replaced:
            return False
        return self.content == OLD if options.changed_by == "content" else self.revision == 1


class Scenario(NamedTuple):
    """A library, a table and options; each has a folder of its own."""

    folder: str
    options: Options
    rows: list[ScenarioRow]

    @classmethod
    def drawn(cls, seed: int) -> Scenario:
        """Draw one."""
        chance = random.Random(seed)  # noqa: S311 - to repeat it
        mode = chance.choice([None, "unique", "replace", "skip", "error", *["sync"] * 5])
        options = Options(
            mode,
            chance.choice(["content", "content", "size", "rev"]),
            chance.choice(["file", "folder", "library", "lost"]),
            chance.random() < 0.2,
        )
        rows = [
            ScenarioRow(
                f"{at}",
                chance.choice([OLD, OLD, NEW, LONG, *[""] * (chance.random() < 0.1)]),
                chance.choice([None, "red", "blue"]),
                chance.choice([None, None, None, False, True]),
                chance.choice([1, 2]),
                chance.choice(CHANGES),
            )
            for at in range(chance.randint(1, 6))
        ]
        return cls(f"/scenario-{seed}/", options, rows)

    def first_night(self) -> list[dict[str, Any]]:
        """Return the rows of the files that ikpipe stores before."""
        ours = [row for row in self.rows if row.change not in ("never ours", "never there")]
        return [self._cells(row._replace(content=OLD, tags="red", private=None, revision=1)) for row in ours]

    def second_night(self) -> list[dict[str, Any]]:
        """Return the rows of the table."""
        return [self._cells(row) for row in self.rows]

    def _cells(self, row: ScenarioRow) -> dict[str, Any]:
        # A folder has contents of its own, so that only its own rows are duplicates.
        file = None if row.content == "" else nights.gif(row.content) + self.folder.encode()
        cells = {"file": file, "sku": row.sku, "folder": self.folder, "tags": row.tags}
        return {**cells, "is_private_file": row.private, "rev": row.revision}

    def somebody_else(self, client: Client, files: dict[str, nights.Stored]) -> None:
        """Change the library after the first night."""
        theirs = {"same size": NEW, "other size": LONG, "private": OLD, "never ours": NEW}
        for row in self.rows:
            name = f"{row.sku}.gif"
            if row.change in theirs:
                fields = {"isPrivateFile": "true", "tags": "red"} if row.change == "private" else {}
                content = nights.gif(theirs[row.change]) + self.folder.encode()
                client.fixed(name, content, folder=self.folder, **fields).raise_for_status()
            elif row.change in ("tags", "deleted"):
                file = f"/v1/files/{files[self.folder + name].details['fileId']}"
                if row.change == "tags":
                    client.api("PATCH", f"{file}/details", json={"tags": ["theirs"]}).raise_for_status()
                else:
                    client.api("DELETE", file).raise_for_status()


class ScenarioWorld:
    """An emulator with states of all kinds, in which scenarios are played."""

    def __init__(self, client: Client, tmp_path: Path) -> None:
        self._client, self._path = client, tmp_path
        self.states = {"file": f"{tmp_path}/nights.ikstate", "folder": f"{tmp_path}/shared/", "library": "library"}

    def prepare(self, scenarios: list[Scenario]) -> None:
        """Have the first night of all scenarios, and then what somebody else changes."""
        groups: dict[tuple[str, str], list[dict[str, Any]]] = {}
        for one in scenarios:
            state = "file" if one.options.state == "lost" else one.options.state
            groups.setdefault((one.options.changed_by, state), []).extend(one.first_night())
        for (changed_by, state), rows in groups.items():
            if rows:
                options = {"on_existing": "sync", "changed_by": changed_by, "state": self.states[state]}
                first = self._call(ikpipe.upload, rows, **options)
                assert set(first["ik_status"]) == {"uploaded"}
        files = nights.library(self._client.emulator)
        for one in scenarios:
            one.somebody_else(self._client, files)

    def play(self, scenarios: list[Scenario]) -> None:
        """Plan and upload the tables of scenarios with the same options as one, and compare what happens."""
        options = scenarios[0].options
        states = {**self.states, "lost": f"{self._path}/lost-{random.random()}.ikstate"}  # noqa: S311
        keywords = options.keywords(states)
        table = [row for one in scenarios for row in one.second_night()]
        rows = [row for one in scenarios for row in one.rows]
        since = len(self._client.emulator.log())
        planned = self._call(ikpipe.plan, table, **keywords)
        assert nights.requests(self._client.emulator, since).keys() <= {"read"}
        if not options.dedupe:
            wrong = [
                (row.model(options), plan, row)
                for row, plan in zip(rows, zip(planned["ik_action"], planned["ik_reason"], strict=True), strict=True)
                if row.model(options) != plan[0]
            ]
            assert wrong == [], options
        since = len(self._client.emulator.log())
        results = self._call(ikpipe.upload, table, **keywords)
        assert differences(planned, results, self._client.emulator, since) == [], options
        if options.mode == "sync" and not options.dedupe:
            again = set(self._call(ikpipe.plan, table, **keywords)["ik_action"])
            assert again <= {"unchanged", "invalid"}, options

    def _call(self, function: Callable[..., pd.DataFrame], rows: list[dict[str, Any]], **options: Any) -> pd.DataFrame:
        frame = pd.DataFrame(rows)
        policy = nights.OPTIONS["policy"]
        if function is ikpipe.upload:
            options["progress"] = False
        return function(frame, self._client.emulator.account, file_name="{sku}.gif", policy=policy, **options)


def differences(planned: pd.DataFrame, results: pd.DataFrame, emulator: Emulator, since: int) -> list[str]:
    """Return where results and ledger are not as planned."""
    found = []
    for (label, plan), (_, row) in zip(planned.iterrows(), results.iterrows(), strict=True):
        action, status = plan["ik_action"], row["ik_status"]
        if STATUS[action] != status:
            found.append(f"row {label}: planned {action} ({plan['ik_reason']}), and was {status}: {row['ik_message']}")
        elif action in WITH_FILE and plan["ik_file_id"] != row["ik_file_id"]:
            found.append(f"row {label}: {action} of another file")
        elif action in ("upload", "replace") and plan["ik_bytes"] != row["ik_size"]:
            found.append(f"row {label}: planned {plan['ik_bytes']} bytes, and sent {row['ik_size']}")
        elif action == "replace" and row["ik_version_name"] != f"Version {plan['ik_versions'] + 1}":
            found.append(f"row {label}: planned after version {plan['ik_versions']}, and is {row['ik_version_name']}")
        elif action in WITH_FILE and plan["ik_target"] != row["ik_file_path"]:
            found.append(f"row {label}: planned at {plan['ik_target']}, and is at {row['ik_file_path']}")
    return found + ledger_differences(Counter(STATUS[one] for one in planned["ik_action"]), emulator.log()[since:])


def ledger_differences(planned: Counter[str], log: list[dict[str, Any]]) -> list[str]:
    """Return where the emulator's log differs from the numbers of rows by status."""
    stored = sum(bool(entry.get("stored")) for entry in log)
    updated = len({entry["path"] for entry in log if entry["method"] == "PATCH"})
    if (planned["uploaded"], planned["updated"]) == (stored, updated):
        return []
    return [f"planned {planned}, and {stored} were stored and {updated} updated"]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[ScenarioWorld]:
    """Have an emulator without files."""
    with Emulator(**LOOPBACK) as emulator, httpx.Client(timeout=60) as http:
        yield ScenarioWorld(Client(emulator, http), tmp_path)


@pytest.mark.parametrize("first", range(0, 200, 100))
def test_what_was_planned_happens(first: int, world: ScenarioWorld) -> None:
    """Scenarios with the same options are played as one table."""
    scenarios = [Scenario.drawn(seed) for seed in range(first, first + 100)]
    world.prepare(scenarios)
    groups: dict[Options, list[Scenario]] = {}
    for one in scenarios:
        groups.setdefault(one.options, []).append(one)
    for group in groups.values():
        world.play(group)


@pytest.mark.soak
@pytest.mark.parametrize("first", range(1000, 2000, 100))
def test_what_was_planned_happens_each_time(first: int, world: ScenarioWorld) -> None:
    """Each scenario has a plan and an upload of its own."""
    scenarios = [Scenario.drawn(seed) for seed in range(first, first + 100)]
    world.prepare(scenarios)
    for one in scenarios:
        world.play([one])
