"""Entry point. Dispatches with the standard library alone: a serving process never loads the command line's
libraries."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command line, or the process that it has replaced itself with."""
    if len(sys.argv) == 3 and sys.argv[1] == "serve-settings":
        from codenex.cli.standalone import run

        run(int(sys.argv[2]))
        return
    from codenex.cli.commands import run_commands

    run_commands()


if __name__ == "__main__":
    main()
