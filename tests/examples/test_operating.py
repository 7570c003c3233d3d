"""What operators do, as the documentation says it: start, look, back up, restart, stop, restore, encrypt, verify."""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
from pathlib import Path

import pytest
from tests.examples.documents import block
from tests.examples.running import PORT
from tests.examples.shell import bash, shell
from tests.support.ports import free_port
from tests.support.process import ServerProcess


async def test_checksums_are_compared(tmp_path: Path) -> None:
    command = block("release-verify-sums").code
    (tmp_path / "file").write_text("content")
    (tmp_path / "SHA256SUMS").write_text(f"{hashlib.sha256(b'content').hexdigest()}  file\n")
    assert "file: OK" in await shell(command, tmp_path)
    (tmp_path / "file").write_text("another")
    with pytest.raises(AssertionError, match="FAILED"):
        await shell(command, tmp_path)


class Operator:
    """Somebody who follows the documentation in a folder; ``CODENEX_PID`` is the master that runs there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.port = free_port()

    def server(self, code: str) -> ServerProcess:
        return ServerProcess(
            self.folder,
            # The shell gives way to what it starts, so that the process that is watched is the master.
            command=lambda _: bash(code.replace("codenex serve", "exec codenex serve --workers 1")),
            port=self.port,
            environment={"SERVER_PORT": str(self.port)},
        )

    async def does(self, name: str, server: ServerProcess | None = None) -> str:
        environment = {"SERVER_PORT": str(self.port)}
        key = self.folder / "configs" / "api_key"
        if key.exists():
            environment["CODENEX_API_KEY"] = key.read_text().strip()
        if server is not None:
            environment["CODENEX_PID"] = str(server.pid)
        return await shell(block(name).code.replace(PORT, f"127.0.0.1:{self.port}"), self.folder, environment)

    def requests(self) -> int:
        """How many requests the database of usage holds."""
        with sqlite3.connect(self.folder / "data" / "codenex.db") as database:
            return int(database.execute("SELECT count(*) FROM requests").fetchone()[0])


@pytest.mark.deep
@pytest.mark.timeout(300)
async def test_a_day_in_the_life_of_a_server(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    async with operator.server(block("operations-start").code) as server:
        key = (tmp_path / "configs" / "api_key").read_text()
        for name in ("operations-check", "configuration-check"):
            assert f"listens on 127.0.0.1:{operator.port}" in await operator.does(name)
        await operator.does("operations-health")
        assert "You said" in await operator.does("readme-chat")
        while not operator.requests():
            await operator.does("operations-accounts")
        await operator.does("operations-backup")
        await operator.does("operations-restart", server)
        await server.says("every process is replaced")
        assert "You said" in await operator.does("readme-chat")
        assert "codenex_build_info" in await operator.does("operations-metrics")
        await operator.does("operations-stop", server)
        assert await server.exited(60) == 0

    assert all(path.stat().st_mode & 0o077 == 0 for path in (tmp_path / "backup").rglob("*"))
    (tmp_path / "configs" / "api_key").write_text("lost")
    (tmp_path / "data" / "codenex.db").write_bytes(b"damaged")
    await operator.does("operations-restore")
    assert (tmp_path / "configs" / "api_key").read_text() == key
    assert operator.requests() >= 1
    assert "Setup token" in await operator.does("operations-reset")
    async with operator.server(block("operations-start").code):
        assert "You said" in await operator.does("readme-chat")


@pytest.mark.deep
async def test_another_server_hosts_the_client_apis(tmp_path: Path) -> None:
    operator = Operator(tmp_path)
    code = block("deployment-asgi").code.replace("3000", str(operator.port))
    async with operator.server(f"exec {code}"):
        assert "You said" in await operator.does("readme-chat")


@pytest.mark.deep
@pytest.mark.timeout(120)
@pytest.mark.parametrize("name", ["encryption-seal", "google-seal"])
async def test_files_are_encrypted(name: str, tmp_path: Path) -> None:
    (tmp_path / "configs").mkdir()
    (tmp_path / "etc").mkdir()
    login = tmp_path / "configs" / "gemini" / "oauth_creds.json"
    login.parent.mkdir()
    login.write_text(json.dumps({"refresh_token": "invented", "client_id": "a", "client_secret": "b"}))
    for path in (login.parent, tmp_path / "configs"):
        path.chmod(0o700)
    login.chmod(0o600)
    operator = Operator(tmp_path)
    code = block(name).code.replace("/etc/", f"{tmp_path}/etc/")
    assert str(tmp_path) in code
    async with operator.server(code) as server:
        assert os.stat(tmp_path / "etc" / "codenex-keys").st_mode & 0o777 == 0o600
        if name == "encryption-seal":
            await server.says("encrypted")
            assert "invented" not in login.read_text()
