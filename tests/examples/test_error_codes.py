"""The table of errors names every code that the gateway itself gives, and none that it doesn't."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from tests.examples.documents import ROOT

from codenex.core.errors import DEFAULT_STATUS, FaultKind

SOURCES = ROOT / "src" / "codenex"
FOLDERS = ("core", "gateway", "protocols", "providers", "server")


def texts(node: ast.AST | None) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value


def codes_in(tree: ast.AST) -> Iterator[str]:
    """Every text that becomes the ``code`` of an error: given by name, as a default, or assigned first."""
    for node in ast.walk(tree):
        match node:
            case ast.keyword(arg="code"):
                yield from texts(node.value)
            case ast.FunctionDef(name="_reason"):
                pairs = [inner.value for inner in ast.walk(node) if isinstance(inner, ast.Return)]
                yield from (text for pair in pairs if isinstance(pair, ast.Tuple) for text in texts(pair.elts[0]))
            case ast.FunctionDef():
                positional = [*node.args.posonlyargs, *node.args.args]
                arguments = positional[len(positional) - len(node.args.defaults) :]
                for argument, default in zip(arguments, node.args.defaults, strict=True):
                    yield from texts(default) if argument.arg == "code" else ()
            case ast.Assign(targets=[ast.Tuple(elts=[ast.Name(id="code"), *_])], value=ast.Tuple(elts=[first, *_])):
                yield from texts(first)
            case ast.Assign(targets=[ast.Name(id="UNUSABLE")]):
                yield from texts(node.value)


def statuses_in(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Code and status of every error that is made with both in plain sight."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            given = {keyword.arg: keyword.value for keyword in node.keywords}
            own = given.get("status")
            for code in texts(given.get("code")):
                match node.func.id, own, node.args[0]:
                    case _, ast.Constant(value=int(status)), _:
                        yield code, status
                    case "invalid_request", None, _:
                        yield code, DEFAULT_STATUS[FaultKind.INVALID_REQUEST]
                    case "Fault", None, ast.Attribute(attr=kind):
                        yield code, DEFAULT_STATUS[FaultKind[kind]]


def trees() -> list[ast.AST]:
    # What a vendor calls its errors is handed on; those files know the vendors' words.
    paths = [path for folder in FOLDERS for path in (SOURCES / folder).rglob("*.py") if path.name != "errors.py"]
    return [ast.parse(path.read_text()) for path in (*paths, SOURCES / "core" / "errors.py")]


def rows() -> list[tuple[list[str], set[int]]]:
    """Codes and statuses of each row of the table."""
    text = (ROOT / "docs" / "operations.md").read_text().partition("## What an error means")[2]
    found = re.findall(r"^\| (`.*?`) \| ([\d, ]+) \|", text, re.MULTILINE)
    return [(re.findall(r"`(\w+)`", codes), {*map(int, statuses.split(","))}) for codes, statuses in found]


def test_the_table_of_errors_is_complete() -> None:
    named = [code for codes, _ in rows() for code in codes]
    assert sorted(named) == sorted({*named})
    assert {*named} == {code for tree in trees() for code in codes_in(tree)}


def test_the_statuses_of_the_table_are_those_that_clients_get() -> None:
    table = {code: statuses for codes, statuses in rows() for code in codes}
    found = [(code, status) for tree in trees() for code, status in statuses_in(tree)]
    assert len(found) > 30
    assert [(code, status) for code, status in found if status not in table[code]] == []
