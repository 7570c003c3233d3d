"""Turns figures of growth into docs/capacity.md."""

from __future__ import annotations

import os
import platform
import textwrap
from pathlib import Path
from typing import NamedTuple

_MIB = 1024 * 1024

_ABOUT = """\
How cost grows, and what follows for the size of a machine. Written by `make capacity`, with small runs and ratios,
since absolute figures are those of one machine. Processor time is the kernel's, of the whole process tree; memory
is its proportional set size. `make bench` compares the gateway with others."""
_WORKERS = """\
Translated unary requests on two cores, which the load generator and the mock upstream share with the gateway."""
#: Paragraphs, one for each point of a list.
_SIZING = """\
**Processor**: add up what each request of a second costs: itself, its events, its kB of body. A translated stream
of 100 events with a body of 20 kB takes {milliseconds} ms here, so that a core at 70 % serves {rate} of them a
second. Models take seconds for what costs this gateway milliseconds: most installations need one core.

**Workers**: one for each core that the machine has to spare (`WORKERS`, `--workers`); more of them than cores only
take memory.

**Memory**: {rest} MiB for a process alone, {each} MiB for each further worker, and the figure above for each stream
that is open at the same time. Bodies come on top while they are read and sent, bounded by `BODY_BUDGET_BYTES` in
each process.

**Descriptors**: two for each request in progress, one to the client and one to the upstream, and some fifty
besides: `ulimit -n` has to be above twice the open streams of a worker.

**Accounts**: with {many} accounts of a type a request costs {times} times what it costs with {few}. Whose turn it
is is kept in order; where many rest at the same time, those that have waited longest are passed over one by one.

**Where to look**: `codenex_event_loop_lag_seconds` above 50 ms at p99 says that a worker has too much to do,
`codenex_process_cpu_seconds_total` which one, and `codenex_queue_dropped_total` what was lost by it
([observability](observability.md))."""


class Lane(NamedTuple):
    """Microseconds of a request, of one more event and of one more kB of body; bytes of an idle stream."""

    request: float
    event: float
    kilobyte: float
    stream: float


class Accounts(NamedTuple):
    """With so many accounts: microseconds of a request, bytes of the process at rest."""

    count: int
    request: float
    memory: int


class Workers(NamedTuple):
    """With so many workers: requests a second, microseconds of each, bytes of all processes."""

    count: int
    rate: float
    request: float
    memory: int


class Figures(NamedTuple):
    """All of them. ``rest`` is the memory of one process that has served nothing, in bytes."""

    rest: int
    passed: Lane
    translated: Lane
    accounts: list[Accounts]
    workers: list[Workers]


def write(path: Path, figures: Figures) -> str:
    """Return the document, written to ``path``."""
    parts = (_top(), _growth(figures), _accounts(figures.accounts), _workers(figures.workers), _guidance(figures))
    text = "\n\n".join("\n".join(part) for part in parts) + "\n"
    path.write_text(text)
    return text


def _top() -> list[str]:
    about = f"Python {platform.python_version()}, {os.cpu_count()} cores, {platform.machine()}."
    return ["# Capacity", "", *_lines(_ABOUT), "", about]


def _lines(words: str, indent: str = "") -> list[str]:
    return textwrap.wrap(words, 130, initial_indent=indent, subsequent_indent=" " * len(indent))


def _growth(figures: Figures) -> list[str]:
    passed, translated = figures.passed, figures.translated
    rows = (
        ("a unary request, µs", passed.request, translated.request),
        ("one more event of a stream, µs", passed.event, translated.event),
        ("one more kB of a request's body, µs", passed.kilobyte, translated.kilobyte),
        ("one more idle stream, KiB", passed.stream / 1024, translated.stream / 1024),
    )
    return [
        "## Requests, events, bodies, streams",
        "",
        "| | passed through | translated |",
        "|---|---|---|",
        *(f"| {name} | {one:.2f} | {other:.2f} |" for name, one, other in rows),
        "",
        f"One process that has served nothing holds {figures.rest / _MIB:.0f} MiB.",
    ]


def _accounts(found: list[Accounts]) -> list[str]:
    first, last = found[0], found[-1]
    more = last.count - first.count
    return [
        "## Accounts of a provider type",
        "",
        "| accounts | µs per request | MiB at rest |",
        "|---|---|---|",
        *(f"| {one.count:,} | {one.request:.0f} | {one.memory / _MIB:.0f} |" for one in found),
        "",
        f"One more account costs each request {(last.request - first.request) / more:.3f} µs, and the process"
        f" {(last.memory - first.memory) / more / 1024:.1f} KiB.",
    ]


def _workers(found: list[Workers]) -> list[str]:
    one, two = found
    return [
        "## Workers",
        "",
        *_lines(_WORKERS),
        "",
        "| workers | requests a second | µs per request | MiB of all processes |",
        "|---|---|---|---|",
        *(f"| {n.count} | {n.rate:,.0f} | {n.request:.0f} | {n.memory / _MIB:.0f} |" for n in found),
        "",
        f"The second worker brings {two.rate / one.rate:.2f} times the requests, and takes"
        f" {(two.memory - one.memory) / _MIB:.0f} MiB.",
    ]


def _guidance(figures: Figures) -> list[str]:
    slower = figures.translated
    one = slower.request + 100 * slower.event + 20 * slower.kilobyte
    few, many = figures.accounts[1], figures.accounts[-1]
    words = _SIZING.format(
        milliseconds=f"{one / 1000:.1f}",
        rate=f"{700_000 / one:,.0f}",
        rest=f"{figures.rest / _MIB:.0f}",
        each=f"{(figures.workers[1].memory - figures.workers[0].memory) / _MIB:.0f}",
        many=f"{many.count:,}",
        times=f"{many.request / few.request:.1f}",
        few=few.count,
    )
    return ["## Sizing", "", *(line for one in words.split("\n\n") for line in _lines(one, "- "))]
