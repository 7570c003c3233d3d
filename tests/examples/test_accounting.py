"""No block of the documentation is left alone: each is run, or marked in its source and read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from tests.examples.documents import BLOCKS, DOCUMENTS, NOT_RUN, ROOT, RUN_BY_READERS, Block, blocks_of
from tests.examples.expectations import EXPECTED
from tests.examples.reading import faults_of

#: Blocks that are no examples for clients, by the test that runs them. A block with the same code is run with it.
COMMANDS = {
    "readme-run": "examples/test_commands.py",
    "readme-key": "examples/test_commands.py",
    "readme-test": "examples/test_commands.py",
    "readme-check": "examples/test_commands.py",
    "readme-pools": "examples/test_commands.py",
    "readme-install": "examples/test_commands.py",
    "curl-key": "examples/test_commands.py",
    "browser-serve": "examples/test_browser.py",
    "browser-page": "examples/test_browser.py",
    "browser-page-server": "examples/test_browser.py",
    "configuration-check": "examples/test_operating.py",
    "deployment-asgi": "examples/test_operating.py",
    "encryption-seal": "examples/test_operating.py",
    "google-seal": "examples/test_operating.py",
    "operations-backup": "examples/test_operating.py",
    "operations-check": "examples/test_operating.py",
    "operations-reset": "examples/test_operating.py",
    "operations-restart": "examples/test_operating.py",
    "operations-restore": "examples/test_operating.py",
    "operations-start": "examples/test_operating.py",
    "operations-stop": "examples/test_operating.py",
    "release-verify-sums": "examples/test_operating.py",
    "responses-going-on": "examples/test_providers.py",
    "translating-show": "cli/test_translate.py",
}
#: The set-ups of providers are run together: environment, and a request.
OF_PROVIDERS = re.compile(r"providers-[a-z-]+-(environment|try)")


def is_run(block: Block) -> bool:
    return block.id in EXPECTED or block.id in COMMANDS or OF_PROVIDERS.fullmatch(block.id) is not None


#: What in a line of text is a command, and not the name of a program alone.
COMMAND = re.compile(r"`((?:codenex|docker|systemctl|journalctl|pip|npm|deploy/install\.sh) [^`…]+)`")
READ = [
    pytest.param(block, id=block.id)
    for block in BLOCKS
    if block.mark or (block.language not in RUN_BY_READERS and not is_run(block))
]


def test_every_block_is_run_or_marked() -> None:
    codes = {block.code for block in BLOCKS if is_run(block) and not block.mark}
    names = [block.id for block in BLOCKS]
    assert len({*names}) == len(names)
    assert {*EXPECTED, *COMMANDS} <= {*names}
    for block in BLOCKS:
        if block.mark:
            assert not is_run(block), f"{block.id} is run, and says that it isn't"
        elif block.language in RUN_BY_READERS:
            assert block.code in codes, f"{block.id} is neither run nor marked `{NOT_RUN}`"


def test_a_test_that_runs_a_block_names_it() -> None:
    for name, path in COMMANDS.items():
        text = (ROOT / "tests" / path).read_text()
        assert name in text or f"docs/{name.partition('-')[0]}.md" in text, f"{path} doesn't run {name}"


def test_what_isn_t_run_says_why() -> None:
    targets = set(re.findall(r"^([a-z0-9-]+):.*## ", (ROOT / "Makefile").read_text(), re.MULTILINE))
    assert {block.mark for block in BLOCKS} <= {"", NOT_RUN} | targets


@pytest.mark.parametrize("block", READ)
def test_what_isn_t_run_can_be_read_and_names_what_is_there(block: Block) -> None:
    assert faults_of(block) == []


def test_commands_within_the_text_are_there() -> None:
    for document in DOCUMENTS:
        for command in COMMAND.findall(re.sub(r"(?ms)^```.*?^```$", "", document.read_text())):
            assert faults_of(Block(command, "sh", command)) == [], document.name


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("sh", "codenex serv\n"),
        ("sh", "export A=1; codenex serve --prot 3000 | cat\n"),
        ("sh", "make relase\n"),
        ("sh", "docker build -f deploy/Dockerfil .\n"),
        ("sh", "docker build --target claude-kode .\n"),
        ("sh", "systemctl restart codenexd\n"),
        ("sh", "pip install 'codenex-ai-proxy-api[postgres]'\n"),
        ("sh", "npm install -g claude-code-invented\n"),
        ("sh", "cp deploy/nothing.service /etc\n"),
        ("sh", "deploy/install.sh /opt/codenex nothing\n"),
        ("sh", "no-such-program\n"),
        ("sh", "if true\n"),
        ("js", "const const\n"),
        ("txt", ""),
    ],
)
def test_mistakes_are_found(language: str, code: str) -> None:
    assert faults_of(Block("x", language, code)) != []


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("```sh\nls\n```\n", "without a name"),
        ("- a\n\n  ```sh name\n  ls\n  ```\n", "at the beginning"),
        ("~~~sh\nls\n~~~\n", "at the beginning"),
        ("```sh a b c\nls\n```\n", "at the beginning"),
    ],
)
def test_blocks_that_nobody_would_find_are_refused(text: str, reason: str, tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    document.write_text(text)
    with pytest.raises(ValueError, match=reason):
        blocks_of(document)
