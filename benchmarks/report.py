"""Turns the runs into docs/performance.md."""

from __future__ import annotations

import os
import platform
import subprocess
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from statistics import median

from benchmarks.measure import Result
from benchmarks.workloads import Workload

#: (workload, server) → one result per round
Runs = dict[tuple[str, str], list[Result]]


@dataclass
class Memory:
    """Bytes: of the idle process, and per silent stream by (translated, TLS upstream)."""

    at_rest: int = 0
    streams: dict[tuple[bool, bool], float] = field(default_factory=dict)


def write(path: Path | None, workloads: list[Workload], runs: Runs, memory: Memory, books: float, rounds: int) -> str:
    """Return the document, written to ``path`` if there is one. ``books`` are the microseconds that a request's row of
    usage takes after it."""
    parts = [_top(rounds), _costs(workloads, runs), _books(books), _latencies(workloads, runs), _memory(memory)]
    text = "\n".join(line for part in parts for line in part) + "\n"
    if path is not None:
        path.write_text(text)
    return text


def _top(rounds: int) -> list[str]:
    packages = ", ".join(f"{name} {version(name)}" for name in ("uvloop", "httptools", "msgspec"))
    return [
        "# Performance",
        "",
        "Written by `make bench`. Mock upstream, load generator and all servers run on one core of loopback, one after",
        f"the other in {rounds} rounds with rotated order; figures are medians. Processor time is the kernel's",
        "(`/proc/PID/task/*/schedstat`, the whole process tree). The gateway runs as for users: authentication, usage",
        "record, request id, metrics counters and access log are on; nginx and HAProxy only pass through, with no log.",
        "",
        f"Python {platform.python_version()}, {packages}, {_said('nginx', '-v')}, {_said('haproxy', '-v')}, "
        f"{os.cpu_count()} cores, {platform.machine()}.",
        "",
        "“Translated” is a Claude Messages client in front of an OpenAI Chat upstream. The floors can't do that:",
        "their figures beside it are those of passing the same exchange through.",
        "",
    ]


def _said(program: str, flag: str) -> str:
    environment = {**os.environ, "PATH": os.environ.get("PATH", "") + ":/usr/sbin"}
    done = subprocess.run([program, flag], capture_output=True, text=True, env=environment)
    words = (done.stdout or done.stderr).splitlines()[0].split(" - ")[0].split()
    return f"{words[0].lower()} {words[-1] if '/' in words[-1] else words[2]}"


def _costs(workloads: list[Workload], runs: Runs) -> list[str]:
    lines = [
        "## Processor time",
        "",
        "| workload | | nginx µs | HAProxy µs | codenex µs | × nginx | × HAProxy |",
        "|---|---|---|---|---|---|---|",
    ]
    for item in workloads:
        cpu = {name: [result.cpu for result in runs[item.name, name]] for name in ("nginx", "haproxy", "codenex")}
        ratios = [
            median(ours / floor for ours, floor in zip(cpu["codenex"], cpu[name], strict=True))
            for name in ("nginx", "haproxy")
        ]
        figures = " | ".join(_micro(median(cpu[name])) for name in ("nginx", "haproxy", "codenex"))
        lines.append(f"| {item.name} | per {item.unit} | {figures} | {ratios[0]:.2f} | {ratios[1]:.2f} |")
    return [*lines, ""]


def _books(books: float) -> list[str]:
    return [
        "While requests come fast, as here, their rows of usage wait in a file, and are put into the database when it",
        f"is quieter, somebody asks, or a minute has passed. That takes {_micro(books)} µs for each request, which are",
        "not in the table.",
        "",
    ]


def _latencies(workloads: list[Workload], runs: Runs) -> list[str]:
    lines = [
        "## Added latency",
        "",
        "Time to the first byte of the body, less what the same request takes from the mock itself, in microseconds.",
        "",
        "| workload | nginx p50 | p99 | codenex p50 | p99 |",
        "|---|---|---|---|---|",
    ]
    for item in workloads:
        if (item.name, "mock") not in runs or item.unit == "event":
            continue
        direct = runs[item.name, "mock"]
        cells = []
        for name in ("nginx", "codenex"):
            found = runs[item.name, name]
            cells.append(_micro(median(r.first_p50 for r in found) - median(r.first_p50 for r in direct)))
            cells.append(_micro(median(r.first_p99 for r in found) - median(r.first_p99 for r in direct)))
        lines.append(f"| {item.name} | {' | '.join(cells)} |")
    return [*lines, ""]


def _memory(memory: Memory) -> list[str]:
    if not memory.streams:
        return []
    lines = [
        "## Memory",
        "",
        "Proportional set size of the process tree; streams are 1,000 that have brought one event and are silent.",
        "",
        "| | |",
        "|---|---|",
        f"| at rest | {memory.at_rest / 1024 / 1024:.1f} MiB |",
    ]
    for (translated, tls), grown in memory.streams.items():
        lane, way = "translated" if translated else "passed through", "TLS" if tls else "plain"
        lines.append(f"| per silent stream, {lane}, {way} upstream | {grown / 1024:.1f} KiB |")
    return lines


def _micro(value: float) -> str:
    return f"{value:.1f}" if abs(value) < 100 else f"{value:,.0f}"
