"""Entry point. Dispatches with the standard library alone: neither the master nor a data worker ever loads the command
line's libraries."""

from __future__ import annotations

import sys

#: Commands of the operator that a master process runs, and the processes that it starts.
_MASTER = ("serve", "dev")
_CHILDREN = {"run-worker": "codenex.cli.worker", "run-control": "codenex.cli.control_process"}
#: Processes that nobody waits for but the master: whoever reads their standard error must not hold them up.
_UNHURRIED = frozenset({*_CHILDREN, "run-standalone", "evaluate"})


def main() -> None:
    """Run what the command line asks for."""
    arguments = sys.argv[1:]
    command = arguments[0] if arguments else ""
    if command in _MASTER and "--help" not in arguments:
        from codenex.supervisor.master import run

        sys.exit(run(arguments))
    if command in _UNHURRIED:
        from codenex.supervisor.voice import speak_unhurried

        speak_unhurried()
    if command in _CHILDREN:
        _run_child(_CHILDREN[command], int(arguments[1]))
    elif command == "run-standalone":
        from codenex.cli.standalone import run as run_standalone

        run_standalone(int(arguments[1]))
    elif command == "evaluate":
        from codenex.cli.commands import run_evaluation

        run_evaluation(int(arguments[1]), arguments[2], arguments[3:])
    else:
        from codenex.cli.commands import run_commands

        run_commands()


def _run_child(module: str, descriptor: int) -> None:
    """Run a child of the master, and tell it in words why the child can't go on."""
    import os
    from importlib import import_module

    from codenex.supervisor.channel import Channel

    # A copy, because the child may have closed its own when it fails.
    spare = os.dup(descriptor)
    try:
        import_module(module).run(descriptor)
    except Exception as error:
        Channel.inherited(spare).send({"failed": f"{type(error).__name__}: {error}"})
        raise


if __name__ == "__main__":
    main()
