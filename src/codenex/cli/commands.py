"""The commands of ``codenex``, and the evaluation of ``serve`` and ``dev`` for the master process.

An evaluation comes before each start and each change of the configuration, and most of its time is that of its imports:
what only one other command needs is imported by that command.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer

from codenex import __version__
from codenex.control.errors import ConfigurationError
from codenex.control.evaluation import Evaluated, evaluated, served
from codenex.control.explanation import explained
from codenex.control.masking import masked, secrets_in
from codenex.control.setup import setup_notice, start_over
from codenex.core import json
from codenex.core.errors import Fault
from codenex.store.sealing import SealingError, new_key
from codenex.supervisor.listeners import shown

application = typer.Typer(
    name="codenex",
    help="One gateway for OpenAI, Anthropic and Gemini clients and the providers behind them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Host = Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on (default 3000).", min=0, max=65535)]
Workers = Annotated[int | None, typer.Option(help="Data workers (default: one for each processor).", min=1, max=32)]
ConfigDir = Annotated[Path | None, typer.Option(help="Folder with config.json and the other files (default configs).")]
DataDir = Annotated[Path | None, typer.Option(help="Folder for what the server itself keeps (default data).")]


def _print_version(wanted: bool) -> None:
    if wanted:
        print(__version__)
        raise typer.Exit


@application.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version.", callback=_print_version, is_eager=True)
    ] = False,
) -> None:
    """Take the options that need no command."""


class _Evaluation:
    """Where the evaluation of ``serve`` goes: set by :func:`run_evaluation` before the command runs."""

    output: int | None = None
    previous: Path | None = None
    arguments: tuple[str, ...] = ()


@application.command()
def serve(
    standalone: Annotated[bool, typer.Option("--standalone", help="Serve from one process.")] = False,
    workers: Workers = None,
    host: Host = None,
    port: Port = None,
    config_dir: ConfigDir = None,
    data_dir: DataDir = None,
) -> None:
    """Serve the gateway: a master process, data workers and a control process."""
    flags = _flags(host, port, config_dir, data_dir) | {"WORKERS": workers}
    _answer(served(flags, _Evaluation.previous, standalone=standalone, arguments=_Evaluation.arguments))


@application.command()
def dev(host: Host = None, port: Port = None, config_dir: ConfigDir = None, data_dir: DataDir = None) -> None:
    """Serve with one worker, and start it anew whenever a source file changes."""
    flags = _flags(host, port, config_dir, data_dir) | {"WORKERS": 1}
    sources = str(Path(__file__).parents[1])
    _answer(served(flags, _Evaluation.previous, watched=(sources,), arguments=_Evaluation.arguments))


@application.command()
def check(
    config_dir: ConfigDir = None,
    data_dir: DataDir = None,
    everything: Annotated[bool, typer.Option("--all", help="Show the settings that have their defaults, too.")] = False,
) -> None:
    """Read the configuration and say what it amounts to, and where each setting comes from. Nothing is served and
    nothing is written."""
    flags = _flags(None, None, config_dir, data_dir)
    answer = evaluated(flags, None, make=False)
    for notice in [*answer.problems, *answer.notices]:
        print(f"codenex: {notice}", file=sys.stderr)
    settings = answer.settings
    print(f"listens on {shown(settings.host, settings.port)}")
    if not settings.accounts:
        print("no provider is configured" + ("" if settings.ever_configured else ": the demo answers"))
    for name, accounts in settings.accounts.items():
        print(f"{name}: {len(accounts)} account{'s' if len(accounts) != 1 else ''}")
    found = explained(flags)
    for name, value in masked(found.values, secrets_in(found.values)).items():
        source = found.settings[name].source
        if everything or source.kind != "default":
            print(f"{name} = {json.encode_text(value)} ({source})")


@application.command()
def translate(
    file: Annotated[Path, typer.Argument(help="A request's JSON body; - for standard input.")],
    source: Annotated[str, typer.Option("--from", help="Its protocol: chat, responses, claude or gemini.")],
    to: Annotated[
        list[str] | None, typer.Option(help="Protocol or provider type; several times for several; default: all.")
    ] = None,
    model: Annotated[
        str | None, typer.Option(help="The model, in place of the request's (Gemini's have none).")
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="End with status 1 where anything is lost.")] = False,
    config_dir: ConfigDir = None,
    data_dir: DataDir = None,
) -> None:
    """Show what would be sent upstream for a client's request, and what would be lost. Nothing is sent or written."""
    from codenex.gateway.inspection import inspected

    settings = evaluated(_flags(None, None, config_dir, data_dir), None, make=False).settings
    try:
        body = sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
        found = inspected(body, source, tuple(to or ()), settings, model)
    except OSError as error:
        raise ConfigurationError(f"{file} can't be read: {error.strerror}") from None
    except Fault as fault:
        raise ConfigurationError(fault.message) from None
    print(msgspec.json.format(json.encode_text(found.document())))
    if any(translation.refusal for translation in found.translations) or (strict and found.lossy):
        raise typer.Exit(1)


@application.command()
def login(
    provider: Annotated[str, typer.Argument(help="The provider type: gemini-cli-oauth or gemini-antigravity.")],
    config_dir: ConfigDir = None,
    data_dir: DataDir = None,
) -> None:
    """Log in at Google: open the page that is printed, or paste the address that the browser ends at. A running server
    has the account within seconds."""
    from codenex.cli.google_login import log_in

    log_in(provider, _flags(None, None, config_dir, data_dir))


@application.command("reset-password")
def reset_password(config_dir: ConfigDir = None, data_dir: DataDir = None) -> None:
    """Forget the admin password and make a new setup token. Whoever is logged in is thrown out."""
    settings = evaluated(_flags(None, None, config_dir, data_dir), None, make=False).settings
    try:
        start_over(settings)
    except OSError as error:
        raise ConfigurationError(f"the password can't be removed: {error}") from None
    for line in setup_notice(settings):
        print(line)


@application.command("seal-credentials")
def seal_credentials(
    config_dir: ConfigDir = None,
    data_dir: DataDir = None,
    unseal: Annotated[bool, typer.Option("--open", help="Decrypt them again.")] = False,
    everything: Annotated[
        bool, typer.Option("--all", help="Settings, accounts, client keys and their copies, too.")
    ] = False,
    fresh: Annotated[bool, typer.Option("--new-key", help="Only print a new key for the file of keys.")] = False,
) -> None:
    """Encrypt the credential files that are there with the first key of CREDENTIALS_KEY_FILE."""
    if fresh:
        print(new_key())
        return
    from codenex.control.credential_sealing import change_all, change_own

    settings = evaluated(_flags(None, None, config_dir, data_dir), None, make=False).settings
    try:
        changed, problems = change_all(settings, seal=not unseal)
        if everything:
            changed += change_own(settings, seal=not unseal)
    except (OSError, SealingError) as error:
        raise ConfigurationError(str(error)) from None
    for path in changed:
        print(f"{'decrypted' if unseal else 'encrypted'} {path}")
    for problem in problems:
        print(f"codenex: left alone: {problem}", file=sys.stderr)
    if problems:
        raise typer.Exit(1)


@application.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def run_commands(arguments: Sequence[str] | None = None) -> None:
    """Run the command line; errors of the configuration are one line and status 2."""
    try:
        application(args=None if arguments is None else list(arguments), prog_name="codenex")
    except ConfigurationError as error:
        print(f"codenex: {error}", file=sys.stderr)
        sys.exit(2)


def run_evaluation(output: int, previous: str, arguments: Sequence[str]) -> None:
    """Evaluate ``serve`` or ``dev`` for the master: the answer goes to the descriptor ``output`` as JSON.

    ``previous`` is the path of the generation in use, or ``-``.
    """
    _Evaluation.output = output
    _Evaluation.previous = None if previous == "-" else Path(previous)
    _Evaluation.arguments = tuple(arguments)
    run_commands(arguments)


def _flags(host: str | None, port: int | None, config_dir: Path | None, data_dir: Path | None) -> dict[str, Any]:
    return {"HOST": host, "SERVER_PORT": port, "CONFIG_DIR": config_dir, "DATA_DIR": data_dir}


def _answer(answer: Evaluated) -> None:
    for notice in [*answer.problems, *answer.notices]:
        print(f"codenex: {notice}", file=sys.stderr)
    # Said before anything else can fail: it is never said again.
    for line in answer.secrets_made:
        print(line, file=sys.stderr)
    for line in setup_notice(answer.settings):
        print(line, file=sys.stderr)
    sys.stderr.flush()
    if _Evaluation.output is None:
        raise RuntimeError("serve is evaluated for a master process only")
    with os.fdopen(_Evaluation.output, "wb") as file:
        file.write(json.encode(answer.document()))
