"""``codenex translate``: what it prints, how it ends, and that it writes nothing."""

from __future__ import annotations

import json
import re
from pathlib import Path

from tests.cli.running import codenex

BODY = {"model": "gpt-5.2", "messages": [{"role": "user", "content": "Hello"}], "seed": 7}


def request_file(home: Path) -> str:
    (home / "request.json").write_text(json.dumps(BODY))
    return "request.json"


def test_it_shows_a_translation_and_writes_nothing(tmp_path: Path) -> None:
    file = request_file(tmp_path)
    ended = codenex(tmp_path, "translate", "--from", "chat", "--to", "claude", "--model", "claude-opus-4-5", file)
    shown = json.loads(ended.out)

    assert ended.code == 0, ended.error
    assert shown["hub"]["turns"][0]["role"] == "user"
    assert shown["translations"][0]["body"]["messages"][0]["role"] == "user"
    assert [loss["path"] for loss in shown["translations"][0]["losses"]] == ["seed"]
    assert [path.name for path in tmp_path.iterdir()] == [file]


def test_strict_ends_with_a_status_where_something_is_lost(tmp_path: Path) -> None:
    file = request_file(tmp_path)

    assert codenex(tmp_path, "translate", "--strict", "--from", "chat", "--to", "gemini", file).code == 0
    assert codenex(tmp_path, "translate", "--strict", "--from", "chat", "--to", "claude", file).code == 1


def test_mistakes_are_one_line(tmp_path: Path) -> None:
    file = request_file(tmp_path)
    for arguments, named in (
        (("--from", "chat", "nothing.json"), "nothing.json"),
        (("--from", "telnet", file), "telnet"),
        (("--from", "chat", "--to", "telnet", file), "telnet"),
    ):
        ended = codenex(tmp_path, "translate", *arguments)
        assert ended.code == 2
        assert named in ended.error
        assert len(ended.error.splitlines()) == 1


def test_the_documentations_command_works_as_written(tmp_path: Path) -> None:
    text = (Path(__file__).parents[2] / "docs/translating.md").read_text()
    (line,) = re.findall(r"^```sh show\ncodenex (.*?)\n```$", text, re.MULTILINE)
    (tmp_path / "request.json").write_text(
        '{"model": "m", "max_tokens": 9, "messages": [{"role": "user", "content": "Hi"}]}'
    )
    shown = json.loads(codenex(tmp_path, *line.split()).out)

    assert [one["protocol"] for one in shown["translations"]] == ["openai-chat", "gemini"]
