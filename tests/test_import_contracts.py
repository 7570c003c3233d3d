"""What the import linter cannot see: forbidden calls, submodules of the standard library, and what a process loads.

The linter knows a standard library package by its top level only (`urllib`), does not look into functions' bodies for
calls, and does not follow imports through third-party packages.
"""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCES = Path(__file__).parents[1] / "src" / "codenex"

SANS_IO = ("core", "wire", "models", "protocols", "pool")

# Submodules that open connections or read what they parse from one.
NETWORK_SUBMODULES = {"http.client", "http.server", "urllib.request", "urllib.robotparser", "wsgiref.simple_server"}
# Calls that open a connection, by method name.
DIALLING_CALLS = {
    "create_connection",
    "create_unix_connection",
    "open_connection",
    "open_unix_connection",
    "sock_connect",
    "connect_ex",
}
# Built-in functions and methods that reach outside, or read the clock.
IMPURE_BUILTINS = {"__import__", "breakpoint", "input", "open", "print"}
IMPURE_METHODS = {("datetime", "now"), ("datetime", "today"), ("datetime", "utcnow"), ("date", "today")}

# A data worker may load none of these: they cost a hundred milliseconds and tens of megabytes.
CONTROL_DEPENDENCIES = {
    "aiosqlite",
    "alembic",
    "argon2",
    "click",
    "codenex.cli",
    "codenex.control",
    "dotenv",
    "fastapi",
    "pydantic",
    "pydantic_core",
    "pydantic_settings",
    "rich",
    "sqlalchemy",
    "starlette",
    "typer",
    "uvicorn",
}
# The sans-IO packages may not load these, not even through a third-party package.
SHELL_MODULES = {"aiohttp", "asyncio", "http.client", "httptools", "logging", "ssl", "subprocess", "uvloop"}


def modules(*packages: str) -> list[Path]:
    """Source files of these packages of codenex, or of all."""
    roots = [SOURCES / package for package in packages] if packages else [SOURCES]
    return sorted(path for root in roots for path in root.rglob("*.py"))


def imported_names(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """(line, dotted name) of everything that is imported; `from a import b` gives both `a` and `a.b`."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.lineno, node.module
            yield from ((node.lineno, f"{node.module}.{alias.name}") for alias in node.names)


def calls(tree: ast.AST) -> Iterator[tuple[int, str | None, str]]:
    """(line, name of the object or None, name) of every call of a name or an attribute."""
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        match node.func:
            case ast.Name(id=name):
                yield node.lineno, None, name
            case ast.Attribute(value=ast.Name(id=owner), attr=name):
                yield node.lineno, owner, name
            case ast.Attribute(value=ast.Attribute(attr=owner), attr=name):
                yield node.lineno, owner, name
            case ast.Attribute(attr=name):
                yield node.lineno, "", name


def dialling(source: str) -> list[tuple[int, str]]:
    """Lines that open a connection or import what does."""
    tree = ast.parse(source)
    found = [(line, name) for line, name in imported_names(tree) if name in NETWORK_SUBMODULES]
    return found + [(line, name) for line, _, name in calls(tree) if name in DIALLING_CALLS]


def impurities(source: str) -> list[tuple[int, str]]:
    """Lines that reach outside or read the clock without importing a forbidden module."""
    tree = ast.parse(source)
    found = [(line, name) for line, name in imported_names(tree) if name in NETWORK_SUBMODULES]
    for line, owner, name in calls(tree):
        if (owner is None and name in IMPURE_BUILTINS) or (owner, name) in IMPURE_METHODS:
            found.append((line, name if owner is None else f"{owner}.{name}"))
    return found


def loaded_by(*packages: str) -> set[str]:
    """Import every module of these packages of codenex in a new process; the names of all modules it has then."""
    program = """
import importlib, json, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(getattr(package, "__path__", []), name + "."):
        importlib.import_module(module.name)
print(json.dumps(sorted(sys.modules)))
"""
    names = [f"codenex.{package}" for package in packages]
    process = subprocess.run([sys.executable, "-c", program, *names], capture_output=True, text=True, check=False)
    assert process.returncode == 0, process.stderr
    return set(json.loads(process.stdout))


@pytest.mark.parametrize("path", modules(*SANS_IO), ids=lambda path: str(path.relative_to(SOURCES)))
def test_a_sans_io_module_calls_nothing_impure(path: Path) -> None:
    assert impurities(path.read_text()) == []


@pytest.mark.parametrize(
    "path",
    [path for path in modules() if path.relative_to(SOURCES).parts[0] != "providers"],
    ids=lambda path: str(path.relative_to(SOURCES)),
)
def test_only_providers_dial(path: Path) -> None:
    assert dialling(path.read_text()) == []


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("def f():\n    return open('/etc/hosts')", [(2, "open")]),
        ("print('x')", [(1, "print")]),
        ("from datetime import datetime\nx = datetime.now()", [(2, "datetime.now")]),
        ("import datetime\nx = datetime.datetime.utcnow()", [(2, "datetime.utcnow")]),
        ("import urllib.request", [(1, "urllib.request")]),
        ("from urllib import request", [(1, "urllib.request")]),
        ("from urllib.parse import quote\nfile.open()\nx = datetime.fromisoformat('')", []),
    ],
)
def test_impurities_are_found(source: str, found: list[tuple[int, str]]) -> None:
    assert impurities(source) == found


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("await asyncio.open_connection('h', 1)", [(1, "open_connection")]),
        ("await self._loop.create_connection(f)", [(1, "create_connection")]),
        ("from http.client import HTTPConnection", [(1, "http.client")]),
        ("await loop.create_server(f)\nfrom http import HTTPStatus", []),
    ],
)
def test_dialling_is_found(source: str, found: list[tuple[int, str]]) -> None:
    assert dialling(source) == found


def test_sans_io_packages_load_no_shell() -> None:
    assert loaded_by(*SANS_IO) & SHELL_MODULES == set()


def test_a_data_worker_loads_nothing_of_control() -> None:
    packages = ("core", "wire", "models", "protocols", "pool", "store", "telemetry", "providers", "gateway", "server")

    loaded = loaded_by(*packages)

    assert {f"codenex.{package}" for package in packages} <= loaded
    assert loaded & CONTROL_DEPENDENCIES == set()


def test_the_supervisor_loads_the_standard_library_only() -> None:
    bare = subprocess.run(
        [sys.executable, "-c", "import json, sys; print(json.dumps(sorted(sys.modules)))"],
        capture_output=True,
        text=True,
        check=True,
    )

    loaded = loaded_by("supervisor") - set(json.loads(bare.stdout))

    strangers = {name for name in loaded if name.split(".")[0] not in sys.stdlib_module_names}
    assert {name for name in strangers if name != "codenex" and not name.startswith("codenex.supervisor")} == set()


def test_a_loaded_module_is_seen() -> None:
    """The probe itself: it sees what a package loads, so that an empty answer means something."""
    assert "codenex.control" in loaded_by("control") & CONTROL_DEPENDENCIES
