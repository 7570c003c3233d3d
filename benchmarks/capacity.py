"""`make capacity`: how cost grows with what there is more of; writes docs/capacity.md. `python -m benchmarks.capacity
--help` tells the options.

Every figure is a slope between two sizes, so that what a request costs anyway is not in it: processor time of the
gateway's process tree between a small and a large body, few and many events, few and many accounts.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.accounting import memory_bytes, pin
from benchmarks.capacity_report import Accounts, Figures, Lane, Workers, write
from benchmarks.measure import Result, memory_per_stream, run
from benchmarks.servers import ROOT, Running, Upstream, mock, serving
from benchmarks.workloads import Workload

STREAMS = 1000
#: Two sizes for each slope: events of a stream, bytes of a body.
EVENTS = (20, 400)
BODY = (1_000, 200_000)
ACCOUNTS = (1, 10, 1_000, 10_000)


class Load(NamedTuple):
    """What a slope is measured with: ``size`` of it, ``seconds`` long."""

    size: int
    workload: Workload


@contextmanager
def gateway(folder: Path, upstream: Upstream, *, workers: int = 0, accounts: int = 1) -> Iterator[Running]:
    """This gateway with so many workers under a master, or in one process, and so many accounts at the mock."""
    (folder / "configs").mkdir(parents=True)
    address = f"http://127.0.0.1:{upstream.port}/v1"
    entries: list[dict[str, Any]] = [
        {"uuid": f"account-{number:05}", "OPENAI_API_KEY": f"sk-{number}", "OPENAI_BASE_URL": address}
        for number in range(accounts)
    ]
    (folder / "configs" / "provider_pools.json").write_text(json.dumps({"openai-custom": entries}))
    mode = ("--workers", str(workers)) if workers else ("--standalone",)
    with serving(folder, *mode) as server:
        yield server


def slope(server: Running, folder: Path, core: int, rounds: int, small: Load, large: Load) -> float:
    """Microseconds of processor time of the gateway for one more of what differs."""
    found = []
    for _ in range(rounds):
        costs = [run(load.workload, server, folder, core).cpu for load in (small, large)]
        found.append((costs[1] - costs[0]) / (large.size - small.size))
    return median(found)


def idle_stream(folder: Path, upstream: Upstream, *, translated: bool) -> float:
    """Bytes that a worker holds for a stream that is silent; nothing else has been asked of it."""
    with gateway(folder / f"streams-{translated}", upstream, workers=1) as server:
        warm = Workload("unary", translated=translated, connections=16, requests=500)
        run(warm, server, folder, 0)
        return memory_per_stream(server, folder, STREAMS, translated=translated)


def lane(server: Running, folder: Path, core: int, rounds: int, stream: float, *, translated: bool) -> Lane:
    """Measure what one way through the gateway costs; ``stream`` is known."""

    def burst(events: int) -> Load:
        fields: dict[str, Any] = {"stream": True, "requests": 40_000 // events, "seconds": 3.0, "connections": 4}
        return Load(events, Workload("burst", model=f"burst-{events}", translated=translated, **fields))

    def body(size: int) -> Load:
        fields: dict[str, Any] = {"prompt": size, "requests": 1000, "seconds": 3.0, "connections": 4}
        return Load(size, Workload("body", translated=translated, **fields))

    unary = Workload("unary", translated=translated, connections=16, requests=4000, seconds=3.0)
    run(unary, server, folder, core, share=0.3)
    return Lane(
        request=median(run(unary, server, folder, core).cpu for _ in range(rounds)),
        event=slope(server, folder, core, rounds, *map(burst, EVENTS)),
        kilobyte=slope(server, folder, core, rounds, *map(body, BODY)) * 1000,
        stream=stream,
    )


def pools(folder: Path, upstream: Upstream, core: int, rounds: int) -> list[Accounts]:
    """Measure what accounts cost, in processor time of each request and in memory at rest."""
    found = []
    item = Workload("unary", connections=16, requests=3000, seconds=3.0)
    for count in ACCOUNTS:
        with gateway(folder / f"accounts-{count}", upstream, accounts=count) as server:
            pin(server.pid, {core})
            memory = memory_bytes(server.pid)
            run(item, server, folder, core, share=0.3)
            cost = median(run(item, server, folder, core).cpu for _ in range(rounds))
            found.append(Accounts(count, cost, memory))
    return found


def workers(folder: Path, upstream: Upstream, rounds: int) -> list[Workers]:
    """Measure how much one and two workers get done where there are two cores, which load and mock use as well."""
    item = Workload("unary", translated=True, connections=32, requests=20_000, seconds=3.0)
    found = []
    for count in (1, 2):
        with gateway(folder / f"workers-{count}", upstream, workers=count) as server:
            run(item, server, folder, 0, share=0.3)
            results: list[Result] = [run(item, server, folder, 1) for _ in range(rounds)]
            rate, cost = median(one.rate for one in results), median(one.cpu for one in results)
            found.append(Workers(count, rate, cost, memory_bytes(server.pid)))
    return found


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.capacity")
    parser.add_argument("--rounds", type=int, default=2, help="how often each figure is taken; the median counts")
    parser.add_argument("--core", type=int, default=0, help="the core that all but the workers run on (default 0)")
    parser.add_argument("--output", type=Path, default=ROOT / "docs" / "capacity.md")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="codenex-capacity-") as name, ExitStack() as stack:
        folder = Path(name)
        upstream_server, upstream = stack.enter_context(mock(folder))
        pin(upstream_server.pid, {options.core})
        streams = {translated: idle_stream(folder, upstream, translated=translated) for translated in (False, True)}
        with gateway(folder / "lanes", upstream) as server:
            pin(server.pid, {options.core})
            rest = memory_bytes(server.pid)
            lanes = [
                lane(server, folder, options.core, options.rounds, stream, translated=translated)
                for translated, stream in streams.items()
            ]
        accounts = pools(folder, upstream, options.core, options.rounds)
        figures = Figures(rest, *lanes, accounts, workers(folder, upstream, options.rounds))
    print(write(options.output, figures))


if __name__ == "__main__":
    main()
