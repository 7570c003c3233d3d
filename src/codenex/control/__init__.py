"""The control process: management API, pages, logins, probes; sole writer of state. Never on a request's path."""
