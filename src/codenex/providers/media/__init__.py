"""Files that clients name by address, for targets that take them inline only: fetched, and nothing but public ones."""

from codenex.providers.media.fetching import Fetched, Fetcher, fetcher_of

__all__ = ["Fetched", "Fetcher", "fetcher_of"]
