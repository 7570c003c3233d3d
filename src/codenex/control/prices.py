"""What an answer costs, by the price list of a maintained library. The list comes with its package; nothing is
fetched."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from genai_prices import Usage, calc_price

from codenex.telemetry.rows import UsageRow

#: Whose prices hold for a provider type; of a server that anybody may run, the model's name decides.
_VENDORS = {
    "claude-custom": "anthropic",
    "claudeCode-custom": "anthropic",
    "gemini-custom": "google",
    "gemini-cli-oauth": "google",
}


_MINUTE = 60


def cost_of(row: UsageRow) -> float | None:
    """Return what a request cost in US dollars; ``None`` where nobody knows the price or the tokens."""
    if row.model is None or (row.input_uncached is None and row.output_text is None):
        return None
    vendor = _known_vendor(row.provider, row.model)
    if vendor is _UNKNOWN:
        return None
    cached, written = row.input_cache_read or 0, row.input_cache_write or 0
    return _price(
        vendor,
        row.model,
        (row.input_uncached or 0) + (row.input_tool or 0) + cached + written,
        cached,
        written,
        (row.output_text or 0) + (row.output_reasoning or 0),
        row.at // _MINUTE,
    )


@lru_cache(maxsize=4096)
def _price(
    vendor: str | None, model: str, fed: int, cached: int, written: int, output: int, minute: float
) -> float | None:
    """Return the price of tokens in a minute: there are prices that depend on the time of day, and to find one takes
    longer than all else that is done for a request here."""
    usage = Usage(input_tokens=fed, cache_read_tokens=cached, cache_write_tokens=written, output_tokens=output)
    try:
        return float(calc_price(usage, model, provider_id=vendor).total_price)
    except (LookupError, ValueError):
        return None


_UNKNOWN: Any = object()


@lru_cache(maxsize=4096)
def _known_vendor(provider: str | None, model: str) -> Any:
    """Return the vendor under which a model has a price, or ``_UNKNOWN``."""
    empty = Usage(input_tokens=0, output_tokens=0)
    for vendor in dict.fromkeys((_VENDORS.get(provider or ""), None)):
        try:
            calc_price(empty, model, provider_id=vendor)
        except (LookupError, ValueError):
            continue
        return vendor
    return _UNKNOWN
