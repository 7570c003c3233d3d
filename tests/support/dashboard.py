"""The dashboard for Grafana as tests look at it: its queries, read by a parser of PromQL, and what of them a scrape
doesn't have."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import promql_parser as promql
from tests.support.metrics import Scrape
from tests.support.process import ROOT

FILE = ROOT / "deploy" / "grafana" / "codenex.json"
#: Labels that Prometheus adds to everything that it scrapes.
OF_TARGETS = {"job", "instance"}
#: What Grafana puts in the place of its own variables and of the dashboard's.
GRAFANA = {"$__rate_interval": "5m", **dict.fromkeys(("$job", "$instance", "$provider", "$model"), ".*")}
_SUFFIXES = re.compile("_(bucket|sum|count)$")


class Selected(NamedTuple):
    """A selection of samples. ``equal`` are labels with the one value that is asked for."""

    metric: str
    labels: frozenset[str]
    equal: tuple[tuple[str, str], ...]


class Shown(NamedTuple):
    """A query of a panel, as Grafana sends it."""

    panel: str
    query: str
    legend: str

    @property
    def parsed(self) -> promql.Expr:
        return promql.parse(self.query)


def loaded() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(FILE.read_text())
    return found


def queries() -> list[Shown]:
    return [
        Shown(panel["title"], filled(target["expr"]), target["legendFormat"])
        for panel in loaded()["panels"]
        for target in panel.get("targets", [])
    ]


def filled(expression: str) -> str:
    for variable, value in GRAFANA.items():
        expression = expression.replace(variable, value)
    assert "$" not in expression, f"an unknown variable in {expression}"
    return expression


def selections(expression: promql.Expr) -> Iterator[Selected]:
    found: list[promql.VectorSelector] = []

    def visit(node: promql.Expr) -> None:
        if isinstance(node, promql.MatrixSelector):
            found.append(node.vector_selector)
        elif isinstance(node, promql.VectorSelector):
            found.append(node)

    promql.walk(expression, visit)
    for selector in {id(one): one for one in found}.values():
        matchers = selector.matchers.matchers
        equal = tuple((one.name, one.value) for one in matchers if one.op == promql.MatchOp.Equal)
        yield Selected(selector.name or "", frozenset(one.name for one in matchers), equal)


def groupings(expression: promql.Expr) -> Iterator[tuple[set[str], set[str]]]:
    """The labels of each aggregation, and the metrics that are below it."""
    found: list[promql.AggregateExpr] = []
    promql.walk(expression, lambda node: found.append(node) if isinstance(node, promql.AggregateExpr) else None)
    for node in found:
        labels = set(node.modifier.labels) if node.modifier is not None else set()
        yield labels, {one.metric for one in selections(node.expr)}


def missing(seen: Scrape, values: dict[str, set[str]]) -> list[str]:
    """What queries ask for and a scrape doesn't have. ``values`` of labels may be absent from it and are known
    nevertheless."""
    wrong: list[str] = []
    for shown in queries():
        expression = shown.parsed
        labels = {one.metric: labels_of(seen, one.metric) for one in selections(expression)}
        for one in selections(expression):
            present = seen.labels(one.metric)
            if not present:
                wrong.append(f"{shown.panel}: no metric {one.metric}")
            if unknown := one.labels - labels[one.metric] - OF_TARGETS:
                wrong.append(f"{shown.panel}: {one.metric} has no {unknown}")
            for name, value in one.equal:
                if value not in {sample.get(name) for sample in present} | values.get(name, set()):
                    wrong.append(f"{shown.panel}: {one.metric} has no {name}={value!r}")
        grouped: set[str] = set()
        for by, metrics in groupings(expression):
            grouped |= by
            wrong += [f"{shown.panel}: {m} has no {by - labels[m]}" for m in metrics if by - labels[m] - OF_TARGETS]
        if told := set(re.findall(r"\{\{(\w+)\}\}", shown.legend)) - grouped:
            wrong.append(f"{shown.panel}: its legend has {told}, its result doesn't")
    return wrong


def labels_of(seen: Scrape, metric: str) -> set[str]:
    return {name for sample in seen.labels(metric) for name in sample}


def families() -> set[str]:
    """The metrics that are shown, by the names that the documentation has for them."""
    return {_SUFFIXES.sub("", one.metric) for shown in queries() for one in selections(shown.parsed)}
