"""The text format of Prometheus (exposition format 0.0.4, prometheus.io, read 2026-11). Pure."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import Literal, NamedTuple

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

Kind = Literal["counter", "gauge", "histogram"]
Labels = dict[str, str]
_ESCAPES = str.maketrans({"\\": r"\\", '"': r"\"", "\n": r"\n"})


class Sample(NamedTuple):
    """One line: the metric's name is the family's and ``suffix``."""

    labels: Labels
    value: float
    suffix: str = ""


class Family(NamedTuple):
    """A metric with all of its samples."""

    name: str
    kind: Kind
    words: str
    samples: Sequence[Sample]


def histogram(labels: Labels, bounds: Sequence[int], counts: Sequence[int], total: int, scale: float) -> list[Sample]:
    """Return the samples of a histogram from the counts of its buckets (one more than ``bounds``); bounds and ``total``
    are divided by ``scale``."""
    names = [*(f"{bound / scale:.15g}" for bound in bounds), "+Inf"]
    running = list(accumulate(counts))
    samples = [Sample({**labels, "le": name}, count, "_bucket") for name, count in zip(names, running, strict=True)]
    return [*samples, Sample(labels, total / scale, "_sum"), Sample(labels, running[-1], "_count")]


def exposed(families: Iterable[Family]) -> bytes:
    """Return families as text; one without samples is left out."""
    lines: list[str] = []
    for family in families:
        if not family.samples:
            continue
        lines += [f"# HELP {family.name} {family.words}", f"# TYPE {family.name} {family.kind}"]
        lines += [f"{family.name}{one.suffix}{_labels(one.labels)} {float(one.value):.15g}" for one in family.samples]
    return ("\n".join(lines) + "\n").encode()


def _labels(labels: Labels) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{value.translate(_ESCAPES)}"' for name, value in labels.items()) + "}"
