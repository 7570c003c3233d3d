"""A PostgreSQL of the tests' own, from Debian's packages: started on first use, stopped with the test session."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from itertools import count
from pathlib import Path
from typing import Any, Final, Self

from tests.support.ports import free_port

#: Looked for by the tests in everything that the gateway says.
PASSWORD: Final = "Pg-canary-4711-swordfish"
USER: Final = "gateway"


def binaries() -> Path:
    """The folder of the newest installed server's programs."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: float(path.parts[4]))
    assert found, "PostgreSQL is missing: make test installs it"
    return found[-1].parent


def _other_user() -> dict[str, Any]:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return {}
    user = pwd.getpwnam("postgres")
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


class Cluster:
    """``with Cluster() as cluster:`` a server on a loopback port. Users need a password there, which only ``USER``
    has."""

    def __init__(self) -> None:
        self.port = free_port()
        self._folder = Path(tempfile.mkdtemp(prefix="codenex-pg-"))
        self._data = self._folder / "data"
        self._numbers = count(1)

    def __enter__(self) -> Self:
        user = _other_user()
        if user:
            os.chown(self._folder, user["user"], user["group"])
        self._run(
            "initdb", "-D", str(self._data), "-U", "owner", "-A", "trust", "-E", "UTF8", "--no-sync", "--locale=C"
        )
        rules = "local all owner trust\nhost all gateway 127.0.0.1/32 scram-sha-256\n"
        (self._data / "pg_hba.conf").write_text(rules)
        self.start()
        self.sql(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self.stop()
        shutil.rmtree(self._folder, ignore_errors=True)

    def start(self) -> None:
        # Nothing here has to survive the machine.
        options = f"-p {self.port} -k {self._folder} -c listen_addresses=127.0.0.1 -c fsync=off -c max_connections=50"
        log = str(self._folder / "log")
        self._run("pg_ctl", "-D", str(self._data), "-w", "-t", "60", "-l", log, "-o", options, "start")

    def stop(self) -> None:
        """End the server and every connection to it at once."""
        self._run("pg_ctl", "-D", str(self._data), "-w", "-m", "immediate", "stop")

    def database(self) -> str:
        """The address of a new, empty database, with user and password."""
        name = f"test_{next(self._numbers)}"
        self.sql(f"CREATE DATABASE {name} OWNER {USER}")
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    def sql(self, statement: str, database: str = "postgres") -> str:
        """Run a statement as the owner of everything; its rows as text, columns with ``|`` between."""
        socket = ["-h", str(self._folder), "-p", str(self.port), "-U", "owner"]
        return self._run("psql", *socket, "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-c", statement, database)

    def dump(self, url: str) -> str:
        """Everything in a database, as text."""
        socket = ["-h", str(self._folder), "-p", str(self.port), "-U", "owner"]
        return self._run("pg_dump", *socket, "--inserts", url.rpartition("/")[2])

    def _run(self, program: str, *arguments: str) -> str:
        # What is inherited would be waited for: the server outlives the program that starts it.
        with tempfile.TemporaryFile() as output:
            done = subprocess.run(
                [binaries() / program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                timeout=90,
                check=False,
                **_other_user(),
            )
            output.seek(0)
            text = output.read().decode("utf-8", "replace")
        assert done.returncode == 0, text
        return text.strip()
