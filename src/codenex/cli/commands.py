"""The commands of ``codenex``."""

from __future__ import annotations

import os
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import typer

from codenex import __version__
from codenex.control.configuration import ConfigurationError, load_configuration
from codenex.control.effective import Effective, effective_settings
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
    for line in [*effective.secrets_made, *setup_notice(effective.settings)]:
        print(line, file=sys.stderr)
    sys.stderr.flush()
    _replace_process(json.encode(effective.settings))


@application.command()
def check(config_dir: ConfigDir = None, data_dir: DataDir = None) -> None:
    """Read the configuration and say what it amounts to, without serving."""
    settings = _effective(None, None, config_dir, data_dir).settings
    print(f"listens on {settings.host}:{settings.port}")
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


def _effective(host: str | None, port: int | None, config_dir: Path | None, data_dir: Path | None) -> Effective:
    flags = {"HOST": host, "SERVER_PORT": port, "CONFIG_DIR": config_dir, "DATA_DIR": data_dir}
    return effective_settings(load_configuration(flags))


def _replace_process(settings: bytes) -> None:
    """Become the serving process. The settings travel in an unlinked file: they hold keys, and argv is public."""
    with tempfile.TemporaryFile() as file:
        file.write(settings)
        file.flush()
        file.seek(0)
        os.set_inheritable(file.fileno(), True)
        os.execv(sys.executable, [sys.executable, "-m", "codenex", "serve-settings", str(file.fileno())])  # noqa: S606
