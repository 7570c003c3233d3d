"""The dashboard's file has the form that Grafana takes, shows every metric there is, and asks for nothing else.

`tests/processes/test_metrics.py` compares its queries with a scrape; here a Prometheus answers them, where one is
installed."""

from __future__ import annotations

import asyncio
import json
import re
import urllib.parse
import urllib.request
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from scripts.grafana_dashboard import text
from tests.processes.site import KEY, Site
from tests.processes.test_metrics import DOCUMENT, metric_names
from tests.support import dashboard
from tests.support.ports import free_port
from tests.support.process import ServerProcess
from tests.support.vendor import ScriptedVendor


def test_the_file_is_what_the_script_writes() -> None:
    assert dashboard.FILE.read_text() == text()


def test_it_has_the_form_of_a_dashboard_of_grafana() -> None:
    found = dashboard.loaded()
    assert found["schemaVersion"] in range(36, 43)
    assert re.fullmatch(r"[\w-]{1,40}", found["uid"])
    assert "id" not in found, "an id belongs to one Grafana"
    panels = found["panels"]
    assert [panel["id"] for panel in panels] == [*range(1, len(panels) + 1)]
    assert {panel["type"] for panel in panels} == {"row", "stat", "timeseries"}
    for panel in panels:
        place = panel["gridPos"]
        assert min(place.values()) >= 0
        assert place["x"] + place["w"] <= 24
        if panel["type"] != "row":
            assert panel["fieldConfig"]["defaults"]["unit"]
            assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"]) > 0
    for one, other in combinations([panel["gridPos"] for panel in panels], 2):
        apart = (one["x"] + one["w"] <= other["x"], other["x"] + other["w"] <= one["x"])
        assert any((*apart, one["y"] + one["h"] <= other["y"], other["y"] + other["h"] <= one["y"])), (one, other)


def test_no_data_source_is_written_down() -> None:
    found = dashboard.loaded()
    variables = {one["name"]: one for one in found["templating"]["list"]}
    assert variables["datasource"]["type"] == "datasource"
    used = set(re.findall(r"\$\{?(\w+)", json.dumps(found)))
    assert used - {"__rate_interval", "__all"} == set(variables)
    sources = [source for panel in found["panels"] for source in every(panel, "datasource")]
    assert len(sources) > 60
    sources += [one["datasource"] for one in found["templating"]["list"] if one["type"] == "query"]
    assert all(source == {"type": "prometheus", "uid": "${datasource}"} for source in sources)


def every(value: Any, key: str) -> list[Any]:
    if isinstance(value, dict):
        return [inner for name, inner in value.items() if name == key] + every([*value.values()], key)
    return [found for inner in value for found in every(inner, key)] if isinstance(value, list) else []


def test_every_metric_is_shown() -> None:
    assert dashboard.families() == metric_names(DOCUMENT.read_text())


@pytest.mark.deep
async def test_prometheus_answers_every_query(tmp_path: Path) -> None:
    """A real one scrapes the gateway as docs/observability.md says, and has something to show in each panel."""
    configuration = yaml.safe_load(re.findall(r"```yaml scrape\n(.*?)```", DOCUMENT.read_text(), re.DOTALL)[0])
    vendor = ScriptedVendor("openai_chat", validate=False, models=["gpt-5-mini"])
    async with vendor, Site(tmp_path, vendor) as site:
        await site.log_in()
        (tmp_path / "key").write_text(KEY)
        (job,) = configuration["scrape_configs"]
        job |= {"scrape_interval": "1s", "authorization": {"credentials_file": str(tmp_path / "key")}}
        job["static_configs"][0]["targets"] = [f"127.0.0.1:{site.port}"]
        (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(configuration))

        def command(port: int) -> list[str]:
            own = (f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/tsdb")
            return ["prometheus", *own, f"--web.listen-address=127.0.0.1:{port}", "--log.level=error"]

        async with ServerProcess(tmp_path, command=command, health="/-/ready", port=free_port()) as prometheus:
            empty = dashboard.queries()
            for number in range(60):
                assert (await site.chat(model="gpt-5-mini", stream=number % 2 == 0)).status == 200
                assert (await site.chat(model=7)).status == 400
                await asyncio.sleep(0.5)
                empty = [one for one in empty if not await asyncio.to_thread(ask, prometheus.url, one.query)]
                if len(empty) == 1:
                    break
    # Nothing was read from a cache of prompts.
    assert [one.panel for one in empty] == ["Share of input from caches"]


def ask(url: str, query: str) -> list[Any]:
    address = f"{url}/api/v1/query?{urllib.parse.urlencode({'query': query})}"
    with urllib.request.urlopen(address, timeout=10) as answer:
        document = json.load(answer)
    assert document["status"] == "success", (query, document)
    return document["data"]["result"]
