"""Logging in, staying in, and being thrown out."""

from __future__ import annotations

import asyncio
import re
from http.cookies import SimpleCookie

import pytest
from tests.control.site import PASSWORD, Site
from tests.support.clock import VirtualClock

from codenex.control import sessions
from codenex.control.administration import Administration, Refusal
from codenex.control.lockout import FREE_FAILURES, LONGEST_WAIT, Lockout
from codenex.control.sessions import AGE_LIMIT, COUNT_LIMIT, IDLE_LIMIT, Sessions

NEW = "another good password"


@pytest.fixture
async def admin(site: Site) -> Site:
    """A server with a password, and a session."""
    assert (await site.set_up()).status == 200
    return site


async def inside(site: Site, headers: dict[str, str] | None = None) -> bool:
    status = await site.status("GET", "/api/providers", site.bearer if headers is None else headers)
    assert status in (200, 401)
    return status == 200


# --- logging in and out


async def test_login_and_logout(admin: Site) -> None:
    first = admin.bearer
    assert (await admin.log_in()).json["success"] is True
    assert admin.bearer != first
    assert await inside(admin)

    answer = await admin.ask("POST", "/api/logout", None, admin.bearer)
    assert answer.json["success"] is True
    assert 'codenex_session="";' in (answer.headers.get("set-cookie") or "")
    assert not await inside(admin)
    assert await inside(admin, first), "the other session goes on"


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper(), f"{PASSWORD} ", "x" * 1024])
async def test_a_wrong_password(admin: Site, password: str) -> None:
    answer = await admin.log_in(password)
    assert answer.status == 401
    assert answer.json["error"] == {
        "message": "the password is wrong",
        "type": "authentication_error",
        "code": None,
        "status": 401,
    }
    assert "set-cookie" not in answer.headers


async def test_no_login_before_setup(site: Site) -> None:
    answer = await site.log_in()
    assert answer.status == 403
    assert "POST /api/setup" in answer.json["error"]["message"]


async def test_the_cookie_is_out_of_reach_of_scripts_and_other_sites(admin: Site) -> None:
    for proto, secure in ((None, ""), ("http", ""), ("https", True)):
        headers = {} if proto is None else {"x-forwarded-proto": proto}
        answer = await admin.ask("POST", "/api/login", {"password": PASSWORD}, headers)
        (header,) = answer.headers.all("set-cookie")
        cookie = SimpleCookie(header)["codenex_session"]

        assert cookie.value == answer.json["token"]
        assert cookie["httponly"] is True
        assert cookie["samesite"].lower() == "strict"
        assert cookie["path"] == "/"
        assert cookie["domain"] == ""
        assert int(cookie["max-age"]) == AGE_LIMIT
        assert cookie["secure"] == secure
        assert answer.headers.get("cache-control") == "no-store"


async def test_tokens_are_long_random_and_kept_hashed(admin: Site) -> None:
    tokens = {(await admin.log_in()).json["token"] for _ in range(3)}
    assert len(tokens) == 3
    assert all(re.fullmatch(r"[\w-]{43}", token) for token in tokens)
    assert not any(token in repr(vars(admin.administration.sessions)) for token in tokens)


# --- the limits of a session


async def test_a_session_ends_when_it_is_not_used(admin: Site) -> None:
    for _ in range(3):
        admin.clock.advance(IDLE_LIMIT - 1)
        assert await inside(admin)
    admin.clock.advance(IDLE_LIMIT + 1)
    assert not await inside(admin)


async def test_a_session_ends_by_age_however_much_it_is_used(admin: Site) -> None:
    used = 0.0
    while used + IDLE_LIMIT <= AGE_LIMIT:
        admin.clock.advance(IDLE_LIMIT)
        used += IDLE_LIMIT
        assert await inside(admin)
    admin.clock.advance(1)
    assert not await inside(admin)


def test_there_are_only_so_many_sessions() -> None:
    held = Sessions(VirtualClock())
    tokens = [held.begin() for _ in range(COUNT_LIMIT + 1)]
    assert not held.holds(tokens[0])
    assert all(held.holds(token) for token in tokens[1:])


def test_the_limits_are_those_of_the_documentation() -> None:
    assert (sessions.IDLE_LIMIT, sessions.AGE_LIMIT) == (3600, 12 * 3600)


# --- another password


async def test_another_password_ends_every_session(admin: Site) -> None:
    others = [(await admin.log_in()).json["token"] for _ in range(3)]
    change = {"current": PASSWORD, "password": NEW}
    assert (await admin.ask("POST", "/api/admin-password", change, admin.bearer)).json["success"] is True

    for token in others:
        assert not await inside(admin, {"authorization": f"Bearer {token}"})
    assert (await admin.log_in()).status == 401
    assert (await admin.log_in(NEW)).status == 200
    assert await inside(admin)


@pytest.mark.parametrize(
    ("current", "password", "status"), [("wrong", NEW, 401), ("", NEW, 401), (PASSWORD, "short", 422)]
)
async def test_a_change_needs_the_old_password_and_a_good_new_one(
    admin: Site, current: str, password: str, status: int
) -> None:
    change = {"current": current, "password": password}
    assert (await admin.ask("POST", "/api/admin-password", change, admin.bearer)).status == status
    assert await inside(admin)
    assert (await admin.log_in()).status == 200


async def test_a_change_needs_a_session(admin: Site) -> None:
    change = {"current": PASSWORD, "password": NEW}
    assert (await admin.ask("POST", "/api/admin-password", change)).status == 401
    assert (await admin.log_in()).status == 200


async def test_a_login_with_the_old_password_does_not_outlive_the_change(
    admin: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    administration = admin.administration
    hashed = administration.passwords.hashed
    logins: list[asyncio.Task[str]] = []

    async def hash_while_others_log_in(password: str) -> str:
        result = await hashed(password)
        logins.extend(asyncio.create_task(administration.log_in(PASSWORD)) for _ in range(3))
        # They have read the old hash now, and verify it while the new one is written.
        await asyncio.sleep(0)
        return result

    monkeypatch.setattr(administration.passwords, "hashed", hash_while_others_log_in)
    await administration.change_password(PASSWORD, NEW)
    results = await asyncio.gather(*logins, return_exceptions=True)

    assert [type(result) for result in results] == [Refusal] * 3


# --- guessing


async def test_guessing_is_slowed_down_more_and_more(admin: Site) -> None:
    for _ in range(FREE_FAILURES):
        assert (await admin.log_in("wrong")).status == 401
    waits = []
    for _ in range(14):
        answer = await admin.log_in()
        assert answer.status == 429, "the right password has to wait too"
        assert answer.json["error"]["type"] == "rate_limit_exceeded"
        wait = int(answer.headers.get("retry-after") or 0)
        waits.append(wait)
        admin.clock.advance(wait - 1.5)
        assert (await admin.log_in()).status == 429
        admin.clock.advance(1.5)
        assert (await admin.log_in("wrong")).status == 401
    assert waits[:4] == [2, 3, 5, 9]
    assert waits[-1] == LONGEST_WAIT + 1

    admin.clock.advance(LONGEST_WAIT + 1)
    assert (await admin.log_in()).status == 200
    for _ in range(FREE_FAILURES - 1):
        assert (await admin.log_in("wrong")).status == 401
    assert (await admin.log_in()).status == 200, "a good login has cleared the count"


async def test_guesses_made_at_the_same_time_are_no_more_than_one_after_another(admin: Site) -> None:
    answers = await asyncio.gather(*(admin.ask("POST", "/api/login", {"password": "wrong"}) for _ in range(30)))
    statuses = [answer.status for answer in answers]

    assert statuses.count(401) == FREE_FAILURES
    assert statuses.count(429) == 30 - FREE_FAILURES


async def test_guessing_at_a_change_counts_too(admin: Site) -> None:
    change = {"current": "wrong", "password": NEW}
    for _ in range(FREE_FAILURES):
        assert (await admin.ask("POST", "/api/admin-password", change, admin.bearer)).status == 401
    assert (await admin.ask("POST", "/api/admin-password", change, admin.bearer)).status == 429
    assert (await admin.log_in()).status == 429
    assert await inside(admin), "a session goes on"


async def test_guessing_the_setup_token_counts_too(site: Site) -> None:
    for _ in range(FREE_FAILURES):
        assert (await site.ask("POST", "/api/setup", {"token": "wrong", "password": PASSWORD})).status == 401
    assert (await site.set_up()).status == 429
    site.clock.advance(2)
    assert (await site.set_up()).status == 200
    assert (await site.log_in()).status == 200


def test_the_lockout_by_itself() -> None:
    clock = VirtualClock()
    lockout = Lockout(clock)
    for _ in range(FREE_FAILURES - 1):
        lockout.failed()
        assert lockout.wait() == 0
    lockout.failed()
    assert lockout.wait() == 1
    clock.advance(0.25)
    assert lockout.wait() == 0.75
    lockout.succeeded()
    assert lockout.wait() == 0
    for _ in range(2000):
        lockout.failed()
    assert lockout.wait() == LONGEST_WAIT


async def test_a_lockout_needs_no_hashing(admin: Site) -> None:
    """Whoever is locked out costs nothing but the answer."""
    administration: Administration = admin.administration
    for _ in range(FREE_FAILURES):
        administration.lockout.failed()
    for _ in range(2):
        await administration.passwords._slots.acquire()
    assert (await asyncio.wait_for(admin.log_in("wrong"), 5)).status == 429


# --- all sessions


async def test_sessions_are_listed_and_ended(admin: Site) -> None:
    first = admin.bearer
    await admin.log_in()
    listed = (await admin.ask("GET", "/api/sessions", None, admin.bearer)).json
    assert [session["current"] for session in listed].count(True) == 1
    assert len(listed) == 2
    assert not any(admin.session in str(session) for session in listed)
    other = next(session["id"] for session in listed if not session["current"])

    assert await inside(admin, first)
    assert (await admin.ask("DELETE", f"/api/sessions/{other}", None, admin.bearer)).status == 200
    assert not await inside(admin, first)
    assert (await admin.ask("DELETE", f"/api/sessions/{other}", None, admin.bearer)).status == 404
    assert (await admin.ask("DELETE", "/api/sessions/x", None, admin.bearer)).status == 422


async def test_all_other_sessions_are_ended(admin: Site) -> None:
    others = [admin.bearer]
    await admin.log_in()
    others.append(admin.bearer)
    await admin.log_in()
    answer = await admin.ask("DELETE", "/api/sessions", None, admin.bearer)
    assert answer.json == {"success": True, "ended": 2}
    assert not any([await inside(admin, other) for other in others])
    assert await inside(admin)


def test_a_session_that_has_ended_is_not_listed() -> None:
    clock = VirtualClock()
    open_sessions = Sessions(clock)
    open_sessions.begin()
    (session,) = open_sessions.listed(clock.wall())
    assert session.expires == pytest.approx(clock.wall() + IDLE_LIMIT)
    clock.advance(IDLE_LIMIT + 1)
    assert open_sessions.listed(clock.wall()) == []


# --- what a session opens beside the management API


async def test_an_admin_session_sees_the_health_of_accounts(admin: Site) -> None:
    for headers in (admin.bearer, admin.cookie, admin.gateway.headers):
        answer = await admin.ask("GET", "/provider_health?unhealthRatioThreshold=0.5", None, headers)
        assert (answer.status, answer.json["summaryHealth"], answer.json["items"]) == (200, True, [])
        assert await admin.status("HEAD", "/provider_health", headers) == 200
        assert await admin.status("POST", "/provider_health", headers) == 405
    for headers in ({}, {"authorization": "Bearer wrong"}, {"cookie": "codenex_session=wrong"}, {"x-api-key": "wrong"}):
        assert await admin.status("GET", "/provider_health", headers) == 401
    for headers in (admin.bearer, admin.gateway.headers):
        answer = await admin.ask("GET", "/provider_health?unhealthRatioThreshold=2", None, headers)
        assert answer.status in (400, 422)
    assert await admin.status("GET", "/v1/models", admin.bearer) == 401
