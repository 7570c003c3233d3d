"""Who administers this server: setup, login, sessions and the password, without any of HTTP."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

from codenex.control import setup
from codenex.control.lockout import Lockout
from codenex.control.passwords import Passwords
from codenex.control.sessions import Sessions
from codenex.store.settings import Settings


class Refusal(Exception):
    """A call that is refused. ``status`` is an HTTP status, ``retry_after`` in seconds; ``details`` are mistakes, each
    with ``place`` and ``message``."""

    def __init__(
        self,
        status: int,
        message: str,
        retry_after: int | None = None,
        details: Sequence[Mapping[str, str | None]] = (),
    ) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.retry_after = retry_after
        self.details = details


class Administration:
    """The state behind the API of one process. ``clock`` gives monotonic seconds, ``wall`` seconds since 1970."""

    def __init__(
        self,
        settings: Settings,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self.settings = settings
        self.sessions = Sessions(clock)
        self.lockout = Lockout(clock)
        self.passwords = Passwords()
        #: Makes the sessions of now outlive this process; whoever has a database sets it.
        self.keep_sessions: Callable[[], Awaitable[None]] = _keep_nothing
        self._wall = wall

    @property
    def setup_required(self) -> bool:
        """Whether a password has still to be set."""
        return setup.stored_hash(self.settings) is None

    async def set_up(self, token: str, password: str) -> str:
        """Exchange the setup token for the admin password; return a session's token.

        Raises :class:`Refusal`: 401 (wrong token), 409 (there is a password), 429 (too many attempts).
        """
        if not self.setup_required:
            raise Refusal(409, "the admin password is set already: log in")
        self._count_attempt()
        if not setup.token_matches(self.settings, token, self._wall()):
            raise Refusal(401, "the setup token is wrong or too old; restart the server for a new one")
        self.lockout.succeeded()
        password_hash = await self.passwords.hashed(password)
        try:
            first = setup.finish_setup(self.settings, password_hash)
        except OSError as error:
            raise _unwritable(error) from error
        if not first:
            raise Refusal(409, "the admin password is set already: log in")
        # Of whoever had the password before it was reset.
        self.sessions.end_all()
        return await self._begin()

    async def log_in(self, password: str) -> str:
        """Return a new session's token. Raises :class:`Refusal`: 401, 403 (before setup), 429."""
        await self._verify(password)
        return await self._begin()

    async def change_password(self, current: str, password: str) -> None:
        """Change the admin password and end every session. Raises :class:`Refusal`: 401, 403, 429."""
        await self._verify(current)
        password_hash = await self.passwords.hashed(password)
        try:
            setup.change_password(self.settings, password_hash)
        except OSError as error:
            raise _unwritable(error) from error
        self.sessions.end_all()
        await self.keep_sessions()

    async def log_out(self, session: str) -> None:
        """End a session."""
        self.sessions.end(session)
        await self.keep_sessions()

    async def _begin(self) -> str:
        session = self.sessions.begin()
        await self.keep_sessions()
        return session

    def _count_attempt(self) -> None:
        wait = self.lockout.wait()
        if wait > 0:
            raise Refusal(429, "too many wrong attempts: wait before the next one", retry_after=int(wait) + 1)
        # Counted before it is looked at: of attempts made at the same time, no more than allowed get in.
        self.lockout.failed()

    async def _verify(self, password: str) -> None:
        stored = setup.stored_hash(self.settings)
        if stored is None:
            raise before_setup()
        self._count_attempt()
        right = await self.passwords.verified(stored, password)
        # The password may have been changed while the old one was being verified.
        if not right or setup.stored_hash(self.settings) != stored:
            raise Refusal(401, "the password is wrong")
        self.lockout.succeeded()


async def _keep_nothing() -> None:
    return


def before_setup() -> Refusal:
    """Build the refusal of everything that needs an admin before there is one."""
    return Refusal(403, "no admin password exists yet: use POST /api/setup with the setup token")


def _unwritable(error: OSError) -> Refusal:
    return Refusal(500, f"the password can't be kept: {error.strerror or error}")
