"""What identifies a row in a shared journal: its key, or else the cells that it is made of."""

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import blake2b
from typing import Any

from ikpipe.frames.chunks import InMemoryTable
from ikpipe.frames.codec import json_values
from ikpipe.journal.shared_entries import ID_DIGITS, Proof, Said
from ikpipe.journal.shared_parts import part_lines
from ikpipe.journal.storage import Storage
from ikpipe.request.content_hash import unsigned
from ikpipe.run.job import UploadJob


def row_ids(job: UploadJob, table: InMemoryTable, keys: Sequence[Any] | None, seen: Counter[str]) -> list[str]:
    """Return the id of each row of a job's table.

    `keys` are the keys of the rows; without them, the cells of the columns that the mapping uses identify a row. Rows
    that are equal are counted: `seen` has the number of earlier ones, and is updated.
    """
    # As for the suffixes that make names unique, the text of a key counts, whatever its column's type is tonight.
    texts = _cell_texts(job, table) if keys is None else ("" if key is None else f"key {key}" for key in keys)
    ids = []
    for text in texts:
        seen[text] += 1
        numbered = f"{seen[text]} {text}".encode("utf-8", "surrogatepass")
        ids.append(blake2b(numbered, digest_size=ID_DIGITS // 2).hexdigest())
    return ids


def _cell_texts(job: UploadJob, table: InMemoryTable) -> Iterator[str]:
    """Yield a text for each row, which differs where a cell does that the mapping uses.

    Signatures of URLs are ignored, since they are new each time.
    """
    columns = [table.cells(at) for at in job.first_mapping().places]
    rows: Iterable[tuple[Any, ...]] = zip(*columns, strict=True) if columns else [()] * len(table.frame)
    for row in rows:
        cells = [unsigned(cell) if isinstance(cell, str) and "://" in cell else cell for cell in row]
        yield f"cells {blake2b(json_values.encode_cells(cells).encode(), digest_size=16).hexdigest()}"


def part_entries(
    storage: Storage, place: str, run: str, table: InMemoryTable, keys: Sequence[Any] | None, proof: Proof
) -> dict[int, list[Said]]:
    """Return what the journal of an earlier ikpipe says of the rows of a part, by position.

    It has the part if it had the same rows: its name is a hash of the run's id and of the sorted keys, or else of
    everything in the rows.
    """
    order, name = [*range(len(table.frame))], blake2b(run.encode(), digest_size=12)
    texts = [json.dumps(key, default=str) for key in keys or ()]
    if keys is not None and len({*texts}) == len(texts):  # of two rows with the same key, only their order is known
        order.sort(key=texts.__getitem__)
        name.update(json.dumps([texts[position] for position in order]).encode())
    else:
        for chunk in table.chunks():
            name.update(chunk.text().encode())
    lines = part_lines(storage, place, f"{name.hexdigest()}.1", proof)
    return {at: lines[number] for number, at in enumerate(order) if number in lines}
