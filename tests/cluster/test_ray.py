"""`cluster.prepare` with another engine: Ray Data."""

from __future__ import annotations

import os
import subprocess
import sys
from typing import TYPE_CHECKING

from doubles import uploads_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from ikpipe.emulator import Emulator

SCRIPT = """
import os, sys
import pandas as pd
import ray

import ikpipe

ray.init(num_cpus=2, include_dashboard=False, logging_level="error", log_to_driver=False, _node_ip_address="127.0.0.1")
ray.data.DataContext.get_current().enable_progress_bars = False
public_key, upload_url, api_url = sys.argv[1:]
account = ikpipe.Account(public_key, os.environ["IMAGEKIT_PRIVATE_KEY"], upload_url=upload_url, api_url=api_url)
upload = ikpipe.cluster.prepare(account, slots=2, key="sku", file_name="{sku}.gif", policy=ikpipe.Policy(look_ups=0))
rows = pd.DataFrame({"sku": [f"s{row}" for row in range(30)], "file": [b"GIF89a%d" % row for row in range(30)]})
dataset = ray.data.from_pandas(rows).repartition(3)
for _ in range(2):
    results = dataset.map_batches(upload, batch_format="pyarrow", batch_size=None).to_pandas()
    print(*sorted(set(results["ik_status"])), results["ik_file_id"].nunique(), [*results.columns][-1])
"""


def test_ray_data_uploads_parts_and_runs_them_again(emulate: Callable[..., Emulator]) -> None:
    """Arrow tables go in and come out; the second run finds the same files."""
    emulator = emulate()
    environment = {**os.environ, "IMAGEKIT_PRIVATE_KEY": emulator.private_key, "RAY_USAGE_STATS_ENABLED": "0"}
    command = [sys.executable, "-c", SCRIPT, emulator.public_key, emulator.upload_url, emulator.url]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)  # noqa: S603
    assert done.stdout.splitlines()[-2:] == ["uploaded 30 ik_extra", "exists 30 ik_extra"], done.stderr[-2000:]
    assert sum(entry["stored"] for entry in uploads_of(emulator)) == 30
