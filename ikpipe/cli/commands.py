"""The commands check, files, sign and demo: each takes its options and returns the exit status."""

from __future__ import annotations

import os
from argparse import Namespace
from contextlib import ExitStack
from typing import TYPE_CHECKING

import ikpipe
from ikpipe.cli import mapping, output, report
from ikpipe.cli.emulator import metadata_fields
from ikpipe.cli.signals import exit_at_once
from ikpipe.cli.wording import in_options, say, width
from ikpipe.errors import Problem

if TYPE_CHECKING:
    import pandas as pd

    from ikpipe.frames.io.writing import ChunkWriter
    from ikpipe.run.job import UploadJob
    from ikpipe.run.plan_report import PlanCounts

ALL_WELL, PROBLEMS = 0, 1


def check(options: Namespace) -> int:
    """`ikpipe check IN [-o PROBLEMS]`."""
    from ikpipe.frames.io.streams import open_table
    from ikpipe.run.job import UploadJob

    style = output.csv_style(options)
    if options.out is not None:
        output.check_writable(options.out, style, options.table)
    run_mapping = mapping.run_mapping(options)
    has_account = options.profile or os.environ.get("IMAGEKIT_PUBLIC_KEY")
    account = ikpipe.Account.from_env(options.profile) if has_account else None
    with exit_at_once():
        table = open_table(options.table, mapping.read_options(options))
        job = UploadJob(table, run_mapping)
        problems, rows = _find_problems(job, account, options)
    if options.out is not None:
        output.write_frame(problems, options.out, style)
    lines = report.report_writer(table.lines).problems(problems, rows)
    say(*lines, *([] if problems.empty else [""]), f"Mapping: {job.mapping_text}")
    if account is None and metadata_fields(table.sample, mapping.call_keywords(options)):
        say("Custom metadata was not checked against the account's fields, since no account is set.")
    return PROBLEMS if (problems["severity"] == "error").any() else ALL_WELL


def _find_problems(job: UploadJob, account: ikpipe.Account | None, options: Namespace) -> tuple[pd.DataFrame, int]:
    """Return the problems of a job's table, and the number of its rows."""
    from ikpipe.concurrency.interrupts import to_sync
    from ikpipe.frames.results import problem_frame
    from ikpipe.run.check import find_problems
    from ikpipe.service.client import ServiceClient

    async def find_all() -> tuple[list[Problem], int]:
        """Return the problems and the number of rows."""
        policy = mapping.policy(options.policy)
        async with ServiceClient(fetch_hosts=options.fetch_host) as client:
            return await find_problems(job, client, account, probe=options.probe, policy=policy)

    found, rows = to_sync(find_all, "check")()
    in_words = [problem._replace(message=in_options(problem.message), fix=in_options(problem.fix)) for problem in found]
    return problem_frame(in_words), rows


def plan(options: Namespace) -> int:
    """`ikpipe plan IN [-o PLAN]`, and `ikpipe upload --dry-run`, which writes no file."""
    from ikpipe.frames.io.streams import open_table
    from ikpipe.run.job import UploadJob

    style, out = output.csv_style(options), None if options.command == "upload" else options.out
    if out is not None:
        output.check_writable(out, style, options.table)
    job = UploadJob(open_table(options.table, mapping.read_options(options)), mapping.run_mapping(options))
    account = ikpipe.Account.from_env(options.profile)
    with exit_at_once(), ExitStack() as stack:
        attrs = job.table.sample.attrs
        writer = None if out is None else stack.enter_context(output.chunk_writer(out, style, attrs))
        counts = _write_plan(job, account, options, writer)
    say(*counts.lines(width(), job.table.lines, in_options), "", f"Mapping: {job.mapping_text}")
    say("Nothing was sent or changed.")
    return ALL_WELL if counts.all_well else PROBLEMS


def _write_plan(job: UploadJob, account: ikpipe.Account, options: Namespace, writer: ChunkWriter | None) -> PlanCounts:
    """Plan the rows of a job, write them if there is a file for them, and return their counts."""
    from ikpipe.concurrency.interrupts import to_sync
    from ikpipe.frames.plans import with_plan
    from ikpipe.run.plan import Planner
    from ikpipe.run.plan_report import PlanCounts
    from ikpipe.service.client import ServiceClient

    counts, policy = PlanCounts(), mapping.policy(options.policy)

    async def go() -> None:
        """Plan the rows chunk by chunk."""
        async with ServiceClient(policy=policy, fetch_hosts=options.fetch_host) as client:
            planner = Planner(job, client, account, policy, options.state, options.run_name)
            async for chunk, rows in planner.chunks():
                counts.add(chunk.frame.index, rows, chunk.start)
                if writer is not None:
                    writer.add(with_plan(chunk, rows))
            if writer is not None:
                writer.close(planner.summary())

    to_sync(go, "plan")()
    return counts


def files(options: Namespace) -> int:
    """`ikpipe files [-o OUT]`."""
    style = output.csv_style(options)
    output.check_writable(options.out, style)
    account = ikpipe.Account.from_env(options.profile)
    with exit_at_once():
        listing = ikpipe.files(account, search=options.search, path=options.path, limit=options.limit)
    output.write_frame(listing, options.out, style)
    return ALL_WELL


def sign(options: Namespace) -> int:
    """`ikpipe sign PARAMETER=VALUE…`: print a token on standard output."""
    parameters = mapping.keywords(options.parameters, "sign")
    token = ikpipe.sign(parameters, ikpipe.Account.from_env(options.profile), lifetime=options.lifetime)
    print(token)  # noqa: T201 - what the command is for
    return ALL_WELL


def demo(options: Namespace) -> int:
    """`ikpipe demo`."""
    from pathlib import Path

    from ikpipe.cli.demo import run

    return run(Path(options.out))
