"""The document on capacity says what was measured: slopes, and what follows from them."""

from __future__ import annotations

from pathlib import Path

from benchmarks.capacity_report import Accounts, Figures, Lane, Workers, write

MIB = 1024 * 1024
FIGURES = Figures(
    rest=20 * MIB,
    passed=Lane(request=100, event=2, kilobyte=1, stream=30 * 1024),
    translated=Lane(request=200, event=3, kilobyte=5, stream=40 * 1024),
    accounts=[Accounts(1, 100, 20 * MIB), Accounts(10, 101, 21 * MIB), Accounts(10_001, 1100, 30 * MIB)],
    workers=[Workers(1, 1000, 200, 100 * MIB), Workers(2, 1800, 210, 130 * MIB)],
)


def test_the_figures_are_slopes_and_ratios(tmp_path: Path) -> None:
    path = tmp_path / "capacity.md"
    text = write(path, FIGURES)
    assert path.read_text() == text
    words = " ".join(text.split())
    assert "| one more idle stream, KiB | 30.00 | 40.00 |" in text
    assert "One more account costs each request 0.100 µs, and the process 1.0 KiB." in words
    assert "The second worker brings 1.80 times the requests, and takes 30 MiB." in words
    # 200 + 100 × 3 + 20 × 5 µs, and 70 % of a second.
    assert "takes 0.6 ms here, so that a core at 70 % serves 1,167 of them a second" in words
    assert "with 10,001 accounts of a type a request costs 10.9 times what it costs with 10" in words
    assert "{" not in text
