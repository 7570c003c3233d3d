"""What can be said of a block without running it: that it can be read, and that what it names is there."""

from __future__ import annotations

import ast
import json
import re
import shlex
import subprocess
import tomllib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Final

import yaml
from tests.examples.documents import ROOT, Block
from tests.support.node import NODE
from typer.main import get_command

from codenex.cli.commands import application

Faults = Iterator[str]
_PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text())
_TARGETS: Final = frozenset(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
_STAGES: Final = frozenset(re.findall(r"^FROM .* AS (\S+)", (ROOT / "deploy/Dockerfile").read_text(), re.MULTILINE))
_ASSIGNMENT: Final = re.compile(r"[A-Za-z_]\w*=")
#: Programs that every system has, or that the reader has just installed: what follows them is theirs.
_OTHERS: Final = frozenset(
    {"aider", "cat", "claude", "codex", "curl", "export", "gemini", "git", "mkdir", "open-webui", "sha256sum", "umask"}
)
_DOCKER: Final = frozenset(
    {"-f", "-t", "-d", "-p", "-v", "--detach", "--name", "--read-only", "--target", "--time", "--tmpfs", "--user"}
)
_DOCKER_COMMANDS: Final = frozenset({"build", "run", "logs", "stop", "compose", "up", "down"})


def faults_of(block: Block) -> list[str]:
    """What is wrong with a block, in words."""
    match block.language:
        case "sh":
            return list(_of_shell(block.code))
        case "python":
            ast.parse(block.code)
            return []
        case "js":
            command = [str(NODE), "--check", "--input-type=module", "-"]
            return _ended_well(command, block.code)
        case "json":
            json.loads(block.code)
            return []
        case "yaml":
            return [] if yaml.safe_load(block.code) else ["empty"]
        case "toml":
            tomllib.loads(block.code)
            return []
        case "ini":
            lines = block.code.splitlines()
            return [f"no setting: {line}" for line in lines if not _ASSIGNMENT.match(line)]
        case other:
            return [f"nobody reads {other!r}"]


def _ended_well(command: list[str], text: str) -> list[str]:
    done = subprocess.run(command, input=text, text=True, capture_output=True, check=False)
    return [] if done.returncode == 0 else [done.stderr]


def _of_shell(code: str) -> Faults:
    yield from _ended_well(["bash", "-n"], code)
    for words in _commands(code):
        while words and _ASSIGNMENT.match(words[0]):
            words = words[1:]
        if not words:
            continue
        program, rest = words[0], words[1:]
        check = _CHECKS.get(program)
        if check is not None:
            yield from check(rest)
        elif program not in _OTHERS:
            yield f"{program} is a program that nobody knows: {' '.join(words)}"


def _commands(code: str) -> Iterator[list[str]]:
    """The simple commands of a script, in words."""
    for line in code.replace("\\\n", " ").splitlines():
        lexer = shlex.shlex(line, posix=True, punctuation_chars="|&;<>")
        lexer.whitespace_split = True
        words: list[str] = []
        for word in (*lexer, ";"):
            if not set(word) <= set("|&;"):
                words.append(word)
            elif words:
                yield words
                words = []


def _of_codenex(words: list[str]) -> Faults:
    command = get_command(application).commands.get(words[0])
    if command is None:
        yield f"codenex has no command {words[0]}"
        return
    options = {option for parameter in command.params for option in parameter.opts}
    yield from (f"codenex {words[0]} has no {word}" for word in words[1:] if word[:1] == "-" and word not in options)


def _of_make(words: list[str]) -> Faults:
    yield from (f"make has no target {word}" for word in words if "=" not in word and word not in _TARGETS)


def _of_pip(words: list[str]) -> Faults:
    if words[0] != "install":
        yield f"pip {words[0]}"
    for word in words[1:]:
        named = re.fullmatch(r"([\w-]+)\[(\w+)\]", word)
        own = named is not None and named[1] == _PROJECT["project"]["name"]
        if word != "." and not (named and own and named[2] in _PROJECT["project"]["optional-dependencies"]):
            yield f"pip installs {word}"


def _of_npm(words: list[str]) -> Faults:
    text = "".join(path.read_text() for path in ROOT.glob("tests/e2e_*/node/package.json"))
    if words[:2] != ["install", "-g"]:
        yield f"npm {' '.join(words)}"
    yield from (f"no test installs {word}" for word in words[2:] if word.partition("@latest")[0] not in text)


def _of_docker(words: list[str]) -> Faults:
    yield from _files(words, after="-f")
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == "--target" and following not in _STAGES:
            yield f"the image has no stage {following}"
        if word[:1] == "-" and word not in _DOCKER:
            yield f"docker {word}"
    if words[0] not in _DOCKER_COMMANDS:
        yield f"docker {words[0]}"


def _files(words: list[str], after: str) -> Faults:
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word == after and not (ROOT / following).is_file():
            yield f"there is no {following}"


def _of_systemctl(words: list[str]) -> Faults:
    if not {"enable", "reload", "restart", "start", "stop", "status", "show"} & set(words):
        yield f"systemctl {' '.join(words)}"
    if words[-1] != "codenex" or not (ROOT / "deploy" / "codenex.service").is_file():
        yield f"systemctl has no unit {words[-1]}"


def _of_journalctl(words: list[str]) -> Faults:
    if words[-2:] != ["-u", "codenex"]:
        yield f"journalctl {' '.join(words)}"


def _of_installer(words: list[str]) -> Faults:
    script = ROOT / "deploy" / "install.sh"
    if not script.stat().st_mode & 0o100:
        yield "deploy/install.sh can't be run"
    # A word in capitals stands for any.
    if (
        len(words) > 1
        and not words[1].strip("[]").isupper()
        and not (ROOT / "requirements" / f"{words[1]}.txt").is_file()
    ):
        yield f"deploy/install.sh has no {words[1]}"


def _of_cp(words: list[str]) -> Faults:
    sources = [Path(word) for word in words[:-1] if word[:1] != "-"]
    yield from (f"there is no {path}" for path in sources if path.parts[0] == "deploy" and not (ROOT / path).exists())


_CHECKS: Final[Mapping[str, Callable[[list[str]], Faults]]] = {
    "codenex": _of_codenex,
    "cp": _of_cp,
    "deploy/install.sh": _of_installer,
    "docker": _of_docker,
    "journalctl": _of_journalctl,
    "make": _of_make,
    "npm": _of_npm,
    "pip": _of_pip,
    "systemctl": _of_systemctl,
}
