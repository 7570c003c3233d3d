"""Requests bent so that whoever decides about access and whoever serves might see different ones."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from random import Random

from tests.security.doors import Door

#: Paths that need nothing: a guarded path may try to pass for one of them.
OPEN_PATHS = ("/", "/health", "/ready", "/api/setup", "/api/login")
_REWRITERS = ("x-original-url", "x-rewrite-url", "x-original-uri", "x-forwarded-path", "x-forwarded-uri", "x-path")
_OVERRIDES = ("x-http-method-override", "x-http-method", "x-method-override")
_ADDRESSES = (
    "x-forwarded-for",
    "x-real-ip",
    "x-client-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-originating-ip",
    "x-remote-addr",
)
_METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "TRACE", "PROPFIND")
_HOSTS = ("localhost", "127.0.0.1", "control", "admin", "api.internal", "[::1]", "127.0.0.1:80", "x.example", "health")


@dataclass(frozen=True)
class Bent:
    """A request as it is written to the wire; ``host`` may be missing."""

    method: str
    target: str
    headers: tuple[tuple[str, str], ...] = ()
    host: str | None = "127.0.0.1"
    version: str = "1.1"
    steps: tuple[str, ...] = field(default=())

    def wire(self) -> bytes:
        """Its bytes. A body is always promised and sent: an empty object."""
        body = b"" if self.method in ("GET", "HEAD") else b"{}"
        lines = [f"{self.method} {self.target} HTTP/{self.version}"]
        lines += [] if self.host is None else [f"host: {self.host}"]
        lines += [f"{name}: {value}" for name, value in self.headers]
        lines += ["connection: close", *([f"content-length: {len(body)}"] if body else [])]
        return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body


def mutations(doors: list[Door], count: int, seed: int) -> list[Bent]:
    """So many bent requests for these doors."""
    chance = Random(seed)
    found = []
    for _ in range(count):
        door = chance.choice(doors)
        bent = Bent(door.method, door.path.replace("{", "").replace("}", ""))
        for _ in range(chance.randint(1, 4)):
            step = chance.choice(_STEPS)
            bent = replace(step(bent, chance), steps=(*bent.steps, step.__name__.strip("_")))
        found.append(bent)
    return found


def _encoded(bent: Bent, chance: Random) -> Bent:
    place = chance.randrange(1, max(2, len(bent.target)))
    letter = bent.target[place : place + 1] or "/"
    code = f"%{ord(letter):02x}"
    code = chance.choice([code, code.upper(), code.replace("%", "%25"), f"%u00{ord(letter):02x}"])
    return replace(bent, target=bent.target[:place] + code + bent.target[place + 1 :])


def _inserted(bent: Bent, chance: Random) -> Bent:
    slashes = [place for place, letter in enumerate(bent.target) if letter == "/"] or [0]
    place = chance.choice(slashes)
    piece = chance.choice(
        ["/", "//", "/.", "/./", "/x/..", "/%2e", "/%2e%2e/x", "/..;", "\\", "/%5c", "/%2f", "/;a=b", "/%00", "/%0d%0a"]
    )
    return replace(bent, target=(bent.target[:place] + piece + bent.target[place:]) or "/")


def _behind_an_open_one(bent: Bent, chance: Random) -> Bent:
    way = chance.choice(["/..", "/%2e%2e", "%2f..", "/.%2e", "/..;/..", ";/..", "/%252e%252e", "\\..", "?/..", "#/.."])
    return replace(bent, target=f"{chance.choice(OPEN_PATHS)}{way}{bent.target}")


def _before_an_open_one(bent: Bent, chance: Random) -> Bent:
    end = chance.choice(["?", ";", "%3f", "%23", "/..;", "%00", ".css", "/.", "%20", "%09", "&", ".json", "~"])
    return replace(bent, target=f"{bent.target}{end}{chance.choice(['', *OPEN_PATHS])}")


def _cased(bent: Bent, chance: Random) -> Bent:
    return replace(bent, target="".join(chance.choice([c.upper(), c]) for c in bent.target))


def _absolute(bent: Bent, chance: Random) -> Bent:
    scheme = chance.choice(["http", "HTTP", "https", "httpx", "file"])
    user = chance.choice(["", "", "admin@", "a:b@"])
    return replace(bent, target=f"{scheme}://{user}{chance.choice(_HOSTS)}{bent.target}")


def _other_method(bent: Bent, chance: Random) -> Bent:
    return replace(bent, method=chance.choice(_METHODS))


def _other_host(bent: Bent, chance: Random) -> Bent:
    hosts = [*_HOSTS, None, "", "127.0.0.1/health?", "127.0.0.1/health#", "a, b", "x@y", "127.0.0.1\tx"]
    return replace(bent, host=chance.choice(hosts))


def _rewritten(bent: Bent, chance: Random) -> Bent:
    return _with(bent, chance.choice(_REWRITERS), chance.choice(OPEN_PATHS))


def _turned_around(bent: Bent, chance: Random) -> Bent:
    """An open path that says it is the guarded one."""
    return _with(replace(bent, target=chance.choice(OPEN_PATHS)), chance.choice(_REWRITERS), bent.target)


def _overridden(bent: Bent, chance: Random) -> Bent:
    method = chance.choice(["OPTIONS", "GET", "HEAD", bent.method])
    return _with(replace(bent, method=chance.choice(_METHODS)), chance.choice(_OVERRIDES), method)


def _from_here(bent: Bent, chance: Random) -> Bent:
    address = chance.choice(["127.0.0.1", "::1", "localhost", "unix", "10.0.0.1", "127.0.0.1, 127.0.0.1"])
    return _with(bent, chance.choice(_ADDRESSES), address)


def _forwarded(bent: Bent, chance: Random) -> Bent:
    name = chance.choice(["x-forwarded-host", "x-forwarded-proto", "x-forwarded-prefix", "forwarded", "x-request-id"])
    value = chance.choice([*_HOSTS, "https", "/health", "for=127.0.0.1;host=localhost;proto=https"])
    return _with(bent, name, value)


def _doubled(bent: Bent, chance: Random) -> Bent:
    name = chance.choice(["authorization", "x-api-key", "cookie", "x-goog-api-key", "host", "content-length"])
    value = chance.choice(["", "Bearer", "Bearer x", "codenex_session=", "null", "undefined", "0", "true", "*"])
    return _with(_with(bent, name, value), name.title(), chance.choice([value, "", "Bearer y"]))


def _dropped(bent: Bent, chance: Random) -> Bent:
    return _with(bent, "connection", chance.choice(["authorization", "cookie", "x-forwarded-for", "upgrade"]))


def _identified(bent: Bent, chance: Random) -> Bent:
    """Names that other servers believe."""
    name = chance.choice(["x-user", "x-role", "x-admin", "remote-user", "x-authenticated", "x-codenex-session"])
    return _with(bent, name, chance.choice(["admin", "true", "1", "root"]))


def _upgraded(bent: Bent, chance: Random) -> Bent:
    return _with(bent, "upgrade", chance.choice(["websocket", "h2c", "TLS/1.0"]))


def _older(bent: Bent, chance: Random) -> Bent:
    return replace(bent, version=chance.choice(["1.0", "0.9", "2.0", "1.1 "]))


def _queried(bent: Bent, chance: Random) -> Bent:
    query = chance.choice(["key=", "token=", "key=%00", "key=x&key=", "access_token=x", "api_key=x", "admin=true"])
    return replace(bent, target=f"{bent.target}{'&' if '?' in bent.target else '?'}{query}")


def _with(bent: Bent, name: str, value: str) -> Bent:
    return replace(bent, headers=(*bent.headers, (name, value)))


_STEPS = (
    _encoded,
    _inserted,
    _behind_an_open_one,
    _before_an_open_one,
    _cased,
    _absolute,
    _other_method,
    _other_host,
    _rewritten,
    _turned_around,
    _overridden,
    _from_here,
    _forwarded,
    _doubled,
    _dropped,
    _identified,
    _upgraded,
    _older,
    _queried,
)
