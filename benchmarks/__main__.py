"""`make bench`: runs everything and writes docs/performance.md. `python -m benchmarks --help` tells the options."""

from __future__ import annotations

import argparse
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from benchmarks import servers
from benchmarks.accounting import memory_bytes, pin
from benchmarks.measure import Result, memory_per_stream, run, until_idle
from benchmarks.report import Memory, Runs, write
from benchmarks.servers import Running, Upstream
from benchmarks.workloads import WORKLOADS, Workload
from codenex.cli.data_plane import GATHER_ALONE


def main() -> None:
    """Run the benchmark."""
    options = _options()
    chosen = [item for item in WORKLOADS if options.only is None or options.only in item.name]
    runs: Runs = {}
    memory = Memory()
    with tempfile.TemporaryDirectory(prefix="codenex-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        mock, upstream = stack.enter_context(servers.mock(folder))
        pin(mock.pid, {options.core})
        if not options.only:
            _measure_memory(folder, upstream, memory)
        plain = _start(stack, folder, upstream, tls=False)
        secure = _start(stack, folder, upstream, tls=True) if any(item.tls for item in chosen) else []
        for server in (*plain, *secure):
            pin(server.pid, {options.core})
        direct = Running("mock", upstream.port, mock.pid)
        for item in chosen:
            for server in secure if item.tls else plain:
                run(item, server, folder, options.core, share=0.2)
        gateways = [server for server in (*plain, *secure) if server.name == "codenex"]
        for server in gateways:
            # The first rows of usage wait for longer: that loads the control part.
            time.sleep(GATHER_ALONE + 2)
            until_idle(server)
        for number in range(options.rounds):
            for item in chosen:
                _round(item, [*(secure if item.tls else plain), direct], number, folder, options.core, runs)
            print(f"round {number + 1} of {options.rounds} is done", flush=True)
        books = _books(gateways[0], folder, options.core)
    print(write(options.output, chosen, runs, memory, books, options.rounds))


def _books(server: Running, folder: Path, core: int) -> float:
    """Microseconds of processor time for each request that its row of usage takes, after the request."""
    until_idle(server)
    workload = Workload("books", connections=16, requests=40_000, seconds=8.0)
    done = run(workload, server, folder, core)
    return until_idle(server) / done.requests


def _round(item: Workload, compared: list[Running], number: int, folder: Path, core: int, runs: Runs) -> None:
    shift = number % len(compared)
    for server in compared[shift:] + compared[:shift]:
        if server.name == "mock" and item.tls:
            continue
        if server.name == "codenex":
            # What it has put off is not this workload's.
            until_idle(server)
        result: Result = run(item, server, folder, core)
        runs.setdefault((item.name, server.name), []).append(result)


def _start(stack: ExitStack, folder: Path, upstream: Upstream, *, tls: bool) -> list[Running]:
    kind = "tls" if tls else "plain"
    return [
        stack.enter_context(start(folder / f"{start.__name__}-{kind}", upstream, tls=tls))
        for start in (servers.nginx, servers.haproxy, servers.codenex)
    ]


def _measure_memory(folder: Path, upstream: Upstream, memory: Memory) -> None:
    for tls in (False, True):
        with servers.codenex(folder / f"memory-{tls}", upstream, tls=tls) as server:
            memory.at_rest = memory.at_rest or memory_bytes(server.pid)
            for translated in (False, True):
                grown = memory_per_stream(server, folder, 1000, translated=translated, tls=tls)
                memory.streams[translated, tls] = grown


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks")
    parser.add_argument("--rounds", type=int, default=5, help="rounds over all workloads (default 5)")
    parser.add_argument("--core", type=int, default=0, help="the core that everything runs on (default 0)")
    parser.add_argument("--only", help="run only workloads with this in their name, and write no file")
    parser.add_argument("--output", type=Path, default=servers.ROOT / "docs" / "performance.md")
    options = parser.parse_args()
    if options.only:
        options.output = None
    return options


if __name__ == "__main__":
    main()
