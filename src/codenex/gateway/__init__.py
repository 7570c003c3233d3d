"""The life of one request: resolve, admit, attempt, commit, relay, record."""
