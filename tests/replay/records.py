"""Recorded traffic as it lies in a folder: JSON lines, gzip'ed or not, one exchange or one request each."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Record = dict[str, Any]


def records_in(folder: Path) -> Iterator[tuple[str, Record]]:
    """Every record of every ``*.jsonl`` and ``*.jsonl.gz``, with a name that finds it again (file and line).

    Raises :class:`NotADirectoryError` where there is no such folder; a line that is no JSON object is an error, too.
    """
    if not folder.is_dir():
        raise NotADirectoryError(f"{folder} is no folder")
    for path in sorted([*folder.glob("*.jsonl"), *folder.glob("*.jsonl.gz")]):
        text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
        for number, line in enumerate(text.split(b"\n"), 1):
            if line.strip():
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise TypeError(f"{path.name}:{number} is no JSON object")
                yield f"{path.name.partition('.')[0]}:{number}", record
