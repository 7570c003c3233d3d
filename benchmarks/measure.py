"""One run of one workload through one server, and the memory of streams that are held open."""

from __future__ import annotations

import json
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.accounting import cpu_ns, memory_bytes
from benchmarks.servers import BUILD, Running
from benchmarks.workloads import Workload

#: Seconds.
_WHILE = 2.5


@dataclass
class Result:
    """Of one run. Times are in microseconds; ``cpu`` is per unit of the workload (a request or an event)."""

    cpu: float
    p50: float
    p99: float
    first_p50: float
    first_p99: float
    rate: float
    requests: int


def run(workload: Workload, server: Running, folder: Path, core: int, *, share: float = 1.0) -> Result:
    """Make the workload's requests. Raises ``RuntimeError`` when any of them fails."""
    gateway = server.name == "codenex"
    path = folder / "request"
    path.write_bytes(workload.request(gateway))
    count = max(workload.connections, int(workload.requests * share))
    arguments = [
        *("taskset", "-c", str(core), str(BUILD / "load"), str(server.port), str(path), str(workload.connections)),
        *(str(count), str(workload.seconds * share), workload.end(gateway)),
    ]
    before = 0 if server.name == "mock" else cpu_ns(server.pid)
    done = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    if done.returncode != 0:
        raise RuntimeError(f"{workload.name} through {server.name}: {done.stderr}")
    used = 0 if server.name == "mock" else cpu_ns(server.pid) - before
    told = json.loads(done.stdout)
    units = told["events"] if workload.unit == "event" else told["requests"]
    if told["errors"] or not units:
        raise RuntimeError(f"{workload.name} through {server.name}: {told} {done.stderr}")
    return Result(
        used / 1000 / units,
        told["p50"],
        told["p99"],
        told["first_p50"],
        told["first_p99"],
        told["requests"] / told["seconds"],
        told["requests"],
    )


def until_idle(server: Running, most: float = 60.0) -> float:
    """Wait until a server has worked for less than a hundredth of a while, and return the microseconds of processor
    time that it took until then. A while is longer than what it waits for before it works off what it put off."""
    begin = before = cpu_ns(server.pid)
    end = time.monotonic() + most
    while time.monotonic() < end:
        time.sleep(_WHILE)
        now = cpu_ns(server.pid)
        if now - before < _WHILE * 1e7:
            break
        before = now
    return (before - begin) / 1000


def memory_per_stream(server: Running, folder: Path, streams: int, *, translated: bool, tls: bool = False) -> float:
    """Bytes that each of so many silent streams takes. The first round, which warms up, is not counted."""
    workload = Workload("hold", model="hold", stream=True, translated=translated, tls=tls)
    path = folder / "hold"
    path.write_bytes(workload.request(server.name == "codenex"))
    grown = 0
    for _ in range(2):
        before = memory_bytes(server.pid)
        load = subprocess.Popen(
            [str(BUILD / "load"), str(server.port), str(path), str(-streams), "1000000", "60", "never"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert load.stdin is not None
        assert load.stdout is not None
        try:
            if not load.stdout.readline().startswith("holding"):
                raise RuntimeError(f"{server.name} does not hold {streams} streams")
            grown = memory_bytes(server.pid) - before
        finally:
            load.stdin.write("end\n")
            load.stdin.close()
            load.wait(30)
            load.stdout.close()
    return grown / streams
