"""The commands of ``codenex``."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from codenex import __version__
from codenex.cli.addresses import shown
from codenex.control.configuration import load_configuration
from codenex.control.effective import Effective, effective_settings
from codenex.control.errors import ConfigurationError
from codenex.control.setup import setup_notice
from codenex.core import json

application = typer.Typer(
    name="codenex",
    help="One gateway for OpenAI, Anthropic and Gemini clients and the providers behind them.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

Host = Annotated[str | None, typer.Option(help="Address to listen on (default 127.0.0.1).")]
Port = Annotated[int | None, typer.Option(help="Port to listen on (default 3000).", min=0, max=65535)]
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


@application.command()
def serve(
    standalone: Annotated[bool, typer.Option("--standalone", help="Serve from one process.")] = False,
    host: Host = None,
    port: Port = None,
    config_dir: ConfigDir = None,
    data_dir: DataDir = None,
) -> None:
    """Serve the gateway."""
    effective = _effective(host, port, config_dir, data_dir)
    for notice in effective.notices:
        print(f"codenex: {notice}", file=sys.stderr)
    # Said before anything else can fail: it is never said again.
    for line in effective.secrets_made:
        print(line, file=sys.stderr)
    for line in setup_notice(effective.settings):
        print(line, file=sys.stderr)
    sys.stderr.flush()
    _replace_process(json.encode(effective.settings))


@application.command()
def check(config_dir: ConfigDir = None, data_dir: DataDir = None) -> None:
    """Read the configuration and say what it amounts to. Nothing is served and nothing is written."""
    effective = _effective(None, None, config_dir, data_dir, make=False)
    for notice in effective.notices:
        print(f"codenex: {notice}", file=sys.stderr)
    settings = effective.settings
    print(f"listens on {shown(settings.host, settings.port)}")
    if not settings.accounts:
        print("no provider is configured" + ("" if settings.ever_configured else ": the demo answers"))
    for name, accounts in settings.accounts.items():
        print(f"{name}: {len(accounts)} account{'s' if len(accounts) != 1 else ''}")


@application.command()
def version() -> None:
    """Print the version."""
    print(__version__)


def run_commands() -> None:
    """Run the command line; errors of the configuration are one line and status 2."""
    try:
        application()
    except ConfigurationError as error:
        print(f"codenex: {error}", file=sys.stderr)
        sys.exit(2)


def _effective(
    host: str | None, port: int | None, config_dir: Path | None, data_dir: Path | None, *, make: bool = True
) -> Effective:
    flags = {"HOST": host, "SERVER_PORT": port, "CONFIG_DIR": config_dir, "DATA_DIR": data_dir}
    return effective_settings(load_configuration(flags), make=make)


def _replace_process(settings: bytes) -> None:
    """Become the serving process. The settings hold keys, so they travel in memory without a name: a command line is
    public, and what was in a file may stay on the disk."""
    descriptor = os.memfd_create("codenex-settings", 0)
    with os.fdopen(descriptor, "wb", closefd=False) as file:
        file.write(settings)
    os.lseek(descriptor, 0, os.SEEK_SET)
    # -P: modules are never taken from the folder that the command was called in.
    command = [sys.executable, "-P", "-m", "codenex", "serve-settings", str(descriptor)]
    os.execv(sys.executable, command)  # noqa: S606
