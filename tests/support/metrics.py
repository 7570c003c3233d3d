"""Reads /metrics as Prometheus does, with its own client library, strictly."""

from __future__ import annotations

import shutil
import subprocess
from collections import Counter

from prometheus_client.parser import text_string_to_metric_families


class Scrape:
    """One scrape. ``value("name", label="text")`` adds up the samples that have these labels."""

    def __init__(self, text: bytes | str) -> None:
        text = text.decode() if isinstance(text, bytes) else text
        self.families = {family.name: family for family in text_string_to_metric_families(text)}
        self.samples = [sample for family in self.families.values() for sample in family.samples]
        keys = Counter((sample.name, tuple(sorted(sample.labels.items()))) for sample in self.samples)
        twice = [key for key, count in keys.items() if count > 1]
        assert not twice, f"samples that appear twice: {twice[:3]}"
        untyped = [n for n, family in self.families.items() if family.type == "unknown" or not family.documentation]
        assert not untyped, f"no type or no help: {untyped}"
        self._check_histograms()
        if (promtool := shutil.which("promtool")) is not None:
            command = [promtool, "check", "metrics"]
            found = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
            assert found.returncode == 0, found.stderr.decode()

    def _check_histograms(self) -> None:
        for family in self.families.values():
            if family.type != "histogram":
                continue
            runs: dict[tuple[tuple[str, str], ...], list[float]] = {}
            for sample in family.samples:
                if sample.name.endswith("_bucket"):
                    labels = tuple(sorted((k, v) for k, v in sample.labels.items() if k != "le"))
                    runs.setdefault(labels, []).append(sample.value)
            for labels, values in runs.items():
                assert values == sorted(values), (family.name, labels)
                assert self.value(f"{family.name}_count", **dict(labels)) == values[-1]

    @property
    def names(self) -> set[str]:
        """The metrics' names, as queries use them."""
        return {name + ("_total" if family.type == "counter" else "") for name, family in self.families.items()}

    def value(self, name: str, /, **labels: str) -> float:
        found = [s.value for s in self.samples if s.name == name and labels.items() <= s.labels.items()]
        return sum(found)

    def labels(self, name: str) -> list[dict[str, str]]:
        return [sample.labels for sample in self.samples if sample.name == name]
