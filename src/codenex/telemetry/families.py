"""The metrics of all processes of a gateway, added up from what each of them counts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from codenex.telemetry.exposition import Family, Kind, Labels, Sample, histogram
from codenex.telemetry.measures import (
    DURATIONS,
    LAGS,
    OUTCOME_LABELS,
    TOKENS,
    TRAFFIC_LABELS,
    Columns,
    Fixed,
    Traffic,
)
from codenex.telemetry.processes import Consumption, consumption
from codenex.telemetry.series import added

#: What is told of each process: name, words, and the kernel's number.
_CONSUMED: tuple[tuple[str, Kind, str, Callable[[Consumption], float | None]], ...] = (
    ("codenex_process_resident_memory_bytes", "gauge", "Resident memory.", lambda one: one.memory),
    ("codenex_process_cpu_seconds_total", "counter", "Processor time.", lambda one: one.processor),
    ("codenex_process_open_fds", "gauge", "Open file descriptors.", lambda one: one.descriptors),
)
_MOMENTARY: tuple[tuple[str, str, dict[str, Fixed]], ...] = (
    ("codenex_open_connections", "Connections of clients.", {"": Fixed.CONNECTIONS}),
    ("codenex_requests_in_progress", "Requests that are being answered.", {"": Fixed.IN_PROGRESS}),
    (
        "codenex_upstream_connections",
        "Connections to upstreams.",
        {"all": Fixed.UPSTREAM_OPEN, "in_use": Fixed.UPSTREAM_IN_USE},
    ),
    (
        "codenex_queue_length",
        "What waits for the control process (usage) or for the reader of the log (access_log).",
        {"usage": Fixed.ROWS_QUEUED, "access_log": Fixed.LINES_QUEUED},
    ),
)
_SPLIT = {"codenex_upstream_connections": "state", "codenex_queue_length": "queue"}
_QUEUES = {"usage": Fixed.ROWS_DROPPED, "access_log": Fixed.LINES_DROPPED, "prompt_log": Fixed.PROMPTS_DROPPED}


def families(columns: Mapping[int, memoryview], owners: Mapping[int, int], master: int | None) -> list[Family]:
    """Return the metrics of processes. ``columns`` are the words of each column that was ever used, ``owners`` the
    living processes by column (0: the control process), ``master`` its id where there is one."""
    parts = {slot: Columns(words) for slot, words in columns.items()}
    living = {slot: part for slot, part in parts.items() if slot in owners}
    return [
        *_requests(list(parts.values())),
        *_moments(living),
        *_counters(list(parts.values())),
        _lag(living),
        *_consumed(owners, master),
    ]


def _requests(parts: Sequence[Columns]) -> list[Family]:
    outcomes = sorted(added(part.outcomes for part in parts).items())
    requests = [Sample(dict(zip(OUTCOME_LABELS, labels, strict=True)), values[0]) for labels, values in outcomes]
    durations: list[Sample] = []
    firsts: list[Sample] = []
    tokens: list[Sample] = []
    moved: list[Sample] = []
    costs: list[Sample] = []
    for names, values in sorted(added(part.traffic for part in parts).items()):
        labels = dict(zip(TRAFFIC_LABELS, names, strict=True))
        durations += _histogram(labels, values, Traffic.DURATION, Traffic.DURATION_SUM)
        firsts += _histogram(labels, values, Traffic.FIRST, Traffic.FIRST_SUM)
        for kind, count in zip(TOKENS, values[Traffic.TOKEN : Traffic.BYTES_IN], strict=True):
            if count:
                tokens.append(Sample({**labels, "type": kind}, count))
        for direction, word in (("in", Traffic.BYTES_IN), ("out", Traffic.BYTES_OUT)):
            moved.append(Sample({**labels, "direction": direction}, values[word]))
        if values[Traffic.COST]:
            costs.append(Sample(labels, values[Traffic.COST] / 1e9))
    return [
        Family("codenex_requests_total", "counter", "Requests that were answered, or that clients gave up.", requests),
        Family("codenex_request_duration_seconds", "histogram", "From head of request to end of answer.", durations),
        Family("codenex_time_to_first_output_seconds", "histogram", "Until a stream's first output.", firsts),
        Family("codenex_tokens_total", "counter", "Tokens, in kinds that don't overlap.", tokens),
        Family("codenex_cost_dollars_total", "counter", "What answers cost by the list of prices.", costs),
        Family("codenex_body_bytes_total", "counter", "Bytes of requests (in) and of answers (out).", moved),
    ]


def _histogram(labels: Labels, values: list[int], first: Traffic, total: Traffic) -> list[Sample]:
    counts = values[first : first + len(DURATIONS) + 1]
    return histogram(labels, DURATIONS, counts, values[total], 1e6) if any(counts) else []


def _moments(living: Mapping[int, Columns]) -> list[Family]:
    found: list[Family] = []
    for name, words, values in _MOMENTARY:
        samples = [
            Sample(_process(slot) | ({_SPLIT[name]: value} if value else {}), part.fixed[word])
            for slot, part in living.items()
            if slot
            for value, word in values.items()
        ]
        found.append(Family(name, "gauge", words, samples))
    return found


def _counters(parts: Sequence[Columns]) -> list[Family]:
    dropped = [Sample({"queue": name}, sum(part.fixed[word] for part in parts)) for name, word in _QUEUES.items()]
    refused = sum(part.fixed[Fixed.REFUSED] for part in parts)
    return [
        Family("codenex_queue_dropped_total", "counter", "What a full queue could not take.", dropped),
        Family(
            "codenex_refused_requests_total",
            "counter",
            "Requests that were no valid HTTP, too large or too slow, logged in samples.",
            [Sample({}, refused)],
        ),
    ]


def _lag(living: Mapping[int, Columns]) -> Family:
    samples: list[Sample] = []
    for slot, part in living.items():
        counts = part.fixed[Fixed.LAG + 1 : Fixed.LAG + 2 + len(LAGS)].tolist()
        samples += histogram(_process(slot), LAGS, counts, part.fixed[Fixed.LAG], 1e6)
    return Family("codenex_event_loop_lag_seconds", "histogram", "How late the event loop is.", samples)


def _consumed(owners: Mapping[int, int], master: int | None) -> list[Family]:
    processes = [(_process(slot), pid) for slot, pid in sorted(owners.items())]
    if master is not None:
        processes.insert(0, ({"process": "master", "slot": ""}, master))
    elif len({pid for _, pid in processes}) == 1:
        # Standalone: the control part is in the same process.
        processes = processes[-1:]
    taken = [(labels, found) for labels, pid in processes if (found := consumption(pid)) is not None]
    return [
        Family(
            name,
            kind,
            words,
            [Sample(labels, value) for labels, one in taken if (value := number(one)) is not None],
        )
        for name, kind, words, number in _CONSUMED
    ]


def _process(slot: int) -> Labels:
    return {"process": "worker" if slot else "control", "slot": str(slot)}
