"""Real traffic as judge: ``make replay``. Reads the folders that the environment names, and says what disagrees."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from pathlib import Path

USAGE = """\
Set at least one of these to a folder of *.jsonl or *.jsonl.gz files:
  CODENEX_CAPTURES    requests of real clients (method, path, query, headers, body)
  CODENEX_RECORDINGS  answers of real vendors (protocol, req, status, stream, resp_raw)
"""


def main() -> int:
    """Run; 0 when everything agreed, 1 when something did not, 2 when nothing was given to run."""
    captures, recordings = os.environ.get("CODENEX_CAPTURES"), os.environ.get("CODENEX_RECORDINGS")
    if not captures and not recordings:
        sys.stderr.write(USAGE)
        return 2
    # The SDKs take their time to load, which is not needed to say what is missing.
    from tests.replay.capture_checks import check_captures
    from tests.replay.recording_checks import check_recordings
    from tests.replay.report import Report

    report = Report()
    began = time.monotonic()
    if captures:
        asyncio.run(check_captures(Path(captures), report))
    if recordings:
        check_recordings(Path(recordings), report)
    sys.stdout.write(f"{time.monotonic() - began:.1f} seconds\n{report.summary()}\n")
    return 1 if report.failed else 0


if __name__ == "__main__":
    sys.exit(main())
