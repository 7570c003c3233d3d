"""Writes deploy/grafana/codenex.json, the dashboard for Grafana: `python -m scripts.grafana_dashboard`.

What there is to say is in grafana_dashboard.toml; the rest is what Grafana wants around it. Expressions use `$job`,
`$instance`, `$provider` and `$model`, which the dashboard's head offers, and the data source that is chosen there.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

FILE = Path(__file__).resolve().parents[1] / "deploy" / "grafana" / "codenex.json"
PANELS = Path(__file__).with_suffix(".toml")
SOURCE = {"type": "prometheus", "uid": "${datasource}"}
#: Labels that Prometheus adds, and what requests and accounts have.
TARGET = 'job=~"$job",instance=~"$instance"'
_SHORT = {
    "@target": TARGET,
    "@served": TARGET + ',provider=~"$provider",model=~"$model"',
    "@accounts": TARGET + ',provider=~"$provider"',
    "@rate": "$__rate_interval",
}

#: Name, what is asked for, and whether several may be chosen.
VARIABLES = (
    ("job", "label_values(codenex_build_info, job)"),
    ("instance", 'label_values(codenex_build_info{job=~"$job"}, instance)'),
    ("provider", f"label_values(codenex_requests_total{{{TARGET}}}, provider)"),
    ("model", f"label_values(codenex_requests_total{{{TARGET}}}, model)"),
)


def dashboard() -> dict[str, Any]:
    """Return the dashboard in the form of Grafana 10 and later (schema 39)."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in tomllib.loads(PANELS.read_text())["row"]:
        frame = _framed(panels, "row", row["title"], {"x": 0, "y": y, "w": 24, "h": 1})
        panels.append(frame | {"collapsed": False, "panels": []})
        y, x = y + 1, 0
        height = 4 if _kind(row["panel"][0]) == "stat" else 8
        for panel in row["panel"]:
            width = panel.get("width", 8)
            if x + width > 24:
                x, y = 0, y + height
            place = {"x": x, "y": y, "w": width, "h": height}
            panels.append(_framed(panels, _kind(panel), panel["title"], place) | _filled(panel))
            x += width
        y += height
    return {
        "uid": "codenex",
        "title": "Codenex",
        "description": "Requests, times, tokens, cost, accounts and processes of a gateway.",
        "tags": ["codenex", "llm"],
        "schemaVersion": 39,
        "version": 1,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "timezone": "",
        "annotations": {"list": []},
        "links": [],
        "templating": {"list": [_source(), *(_variable(name, query) for name, query in VARIABLES)]},
        "panels": panels,
    }


def _kind(panel: dict[str, Any]) -> str:
    return str(panel.get("kind", "timeseries"))


def _framed(before: list[dict[str, Any]], kind: str, title: str, place: dict[str, int]) -> dict[str, Any]:
    return {"id": len(before) + 1, "type": kind, "title": title, "gridPos": place}


def _filled(panel: dict[str, Any]) -> dict[str, Any]:
    stat, stacked = _kind(panel) == "stat", panel.get("stacked", False)
    custom: dict[str, Any] = {"fillOpacity": 20 if stacked else 5, "lineWidth": 1, "showPoints": "never"}
    if stacked:
        custom["stacking"] = {"mode": "normal", "group": "A"}
    reduced = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    legend = {"displayMode": "list", "placement": "bottom", "showLegend": True}
    shown = {"legend": legend, "tooltip": {"mode": "multi", "sort": "desc"}}
    defaults = {"unit": panel["unit"], "min": 0, "custom": {} if stat else custom}
    return {
        "description": panel.get("words", ""),
        "datasource": SOURCE,
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": {"reduceOptions": reduced, "graphMode": "area"} if stat else shown,
        "targets": [_target(number, *query) for number, query in enumerate(panel["queries"])],
    }


def _target(number: int, expression: str, legend: str) -> dict[str, Any]:
    for short, long in _SHORT.items():
        expression = expression.replace(short, long)
    return {
        "refId": chr(ord("A") + number),
        "datasource": SOURCE,
        "editorMode": "code",
        "expr": expression,
        "legendFormat": legend or "__auto",
        "range": True,
    }


def _source() -> dict[str, Any]:
    return {
        "name": "datasource",
        "label": "Data source",
        "type": "datasource",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
    }


def _variable(name: str, query: str) -> dict[str, Any]:
    return {
        "name": name,
        "label": name.capitalize(),
        "type": "query",
        "datasource": SOURCE,
        "query": {"query": query, "refId": name},
        "definition": query,
        "refresh": 2,
        "sort": 1,
        "multi": True,
        "includeAll": True,
        # Also what has no value of this label: requests that got to no provider.
        "allValue": ".*",
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "hide": 0,
    }


def text() -> str:
    """Return the file's content."""
    return json.dumps(dashboard(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(text())
