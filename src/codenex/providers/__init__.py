"""Everything that dials out: provider types, the one HTTP client, authentication. Knows no client and no route."""
