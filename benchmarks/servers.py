"""The servers that are compared: each is started on a free port, in front of the mock upstream, and stopped by pid."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "build" / "bench"
KEY = "cdx-key-of-the-benchmark"

NGINX = """
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log stderr error;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; multi_accept on; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    client_body_buffer_size 2m;
    client_max_body_size 64m;
    keepalive_requests 100000000;
    upstream mock {{
        server 127.0.0.1:{upstream};
        keepalive 1024;
        keepalive_requests 100000000;
    }}
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        location / {{
            proxy_pass {scheme}://mock;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering off;
            proxy_read_timeout 300s;
            {tls}
        }}
    }}
}}
"""
NGINX_TLS = """
            proxy_ssl_verify on;
            proxy_ssl_trusted_certificate {authority};
            proxy_ssl_name localhost;
            proxy_ssl_server_name on;
            proxy_ssl_protocols TLSv1.2 TLSv1.3;
            proxy_ssl_session_reuse on;
"""

HAPROXY = """
global
    nbthread 1
    maxconn 4096
defaults
    mode http
    timeout connect 10s
    timeout client 300s
    timeout server 300s
    option http-keep-alive
    http-reuse always
frontend edge
    bind 127.0.0.1:{port} backlog 4096
    default_backend mock
backend mock
    server mock 127.0.0.1:{upstream} {tls} maxconn 4096 pool-max-conn 1024
"""
HAPROXY_TLS = "ssl verify required ca-file {authority} sni str(localhost)"


@dataclass
class Upstream:
    """The mock's ports, and the certificate authority that signed its certificate."""

    port: int
    tls_port: int
    authority: Path


@dataclass
class Running:
    """A server that answers. ``pid`` is the head of its process tree."""

    name: str
    port: int
    pid: int


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def wait_for(port: int, process: subprocess.Popen[bytes], seconds: float = 20) -> None:
    """Wait until the port takes connections."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if process.poll() is not None:
            raise RuntimeError(f"{process.args} ended with {process.returncode}")
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
        except OSError:
            time.sleep(0.02)
        else:
            return
    raise RuntimeError(f"{process.args} does not listen on {port}")


@contextmanager
def running(name: str, arguments: list[str], port: int, **options: object) -> Iterator[Running]:
    """Start a process, wait for its port, and end it."""
    process = subprocess.Popen(arguments, stdin=subprocess.DEVNULL, **options)  # type: ignore[call-overload]
    try:
        wait_for(port, process)
        yield Running(name, port, process.pid)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def mock(folder: Path) -> Iterator[tuple[Running, Upstream]]:
    """The mock upstream, plain and with TLS."""
    import trustme

    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(folder / "authority.pem")
    certificate.private_key_pem.write_to_path(folder / "mock.key")
    with (folder / "mock.pem").open("wb") as chain:
        for piece in certificate.cert_chain_pems:
            chain.write(piece.bytes())
    upstream = Upstream(free_port(), free_port(), folder / "authority.pem")
    arguments = [str(BUILD / "mock"), str(upstream.port), str(upstream.tls_port)]
    with running("mock", [*arguments, str(folder / "mock.pem"), str(folder / "mock.key")], upstream.port) as server:
        yield server, upstream


@contextmanager
def nginx(folder: Path, upstream: Upstream, *, tls: bool) -> Iterator[Running]:
    """nginx as a pass-through."""
    folder.mkdir()
    port = free_port()
    text = NGINX.format(
        folder=folder,
        port=port,
        upstream=upstream.tls_port if tls else upstream.port,
        scheme="https" if tls else "http",
        tls=NGINX_TLS.format(authority=upstream.authority) if tls else "",
    )
    (folder / "nginx.conf").write_text(text)
    arguments = [_program("nginx"), "-p", str(folder), "-c", str(folder / "nginx.conf")]
    with (folder / "errors.log").open("wb") as errors, running("nginx", arguments, port, stderr=errors) as server:
        yield server


@contextmanager
def haproxy(folder: Path, upstream: Upstream, *, tls: bool) -> Iterator[Running]:
    """HAProxy as a pass-through."""
    folder.mkdir()
    port = free_port()
    text = HAPROXY.format(
        port=port,
        upstream=upstream.tls_port if tls else upstream.port,
        tls=HAPROXY_TLS.format(authority=upstream.authority) if tls else "",
    )
    (folder / "haproxy.cfg").write_text(text)
    with running("haproxy", [_program("haproxy"), "-db", "-q", "-f", str(folder / "haproxy.cfg")], port) as server:
        yield server


@contextmanager
def serving(folder: Path, *mode: str, **settings: str) -> Iterator[Running]:
    """This gateway as it runs for users, from its own folder: authentication, usage, request ids, counters, access log.
    ``settings`` are variables of its environment."""
    port = free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "src"),
        "HOME": str(folder),
        "REQUIRED_API_KEY": KEY,
        "MODEL_PROVIDER": "openai-custom",
        **settings,
    }
    arguments = [sys.executable, "-m", "codenex", "serve", *mode, "--port", str(port)]
    with (
        (folder / "access.log").open("wb") as log,
        (folder / "errors.log").open("wb") as errors,
        running("codenex", arguments, port, cwd=folder, env=environment, stdout=log, stderr=errors) as server,
    ):
        yield server


@contextmanager
def codenex(folder: Path, upstream: Upstream, *, tls: bool) -> Iterator[Running]:
    """This gateway in one process, with one account at the mock."""
    folder.mkdir()
    address = f"https://localhost:{upstream.tls_port}" if tls else f"http://127.0.0.1:{upstream.port}"
    settings = {"OPENAI_API_KEY": "sk-of-the-mock", "OPENAI_BASE_URL": f"{address}/v1"}
    with serving(folder, "--standalone", SSL_CERT_FILE=str(upstream.authority), **settings) as server:
        yield server


def _program(name: str) -> str:
    found = shutil.which(name, path=os.environ.get("PATH", "") + ":/usr/sbin")
    if found is None:
        raise SystemExit(f"{name} is not installed: apt-get install {'nginx-light' if name == 'nginx' else name}")
    return found
