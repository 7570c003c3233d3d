"""Access tokens: kept, renewed ahead of their end, each by one process once, whoever else asks at the same time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from codenex.core.errors import Fault, FaultKind
from codenex.providers.google.credentials import Credential, CredentialInvalid, parsed, written
from codenex.providers.google.ledger import Known, Ledger, stamp_of
from codenex.providers.google.states import Problem, needs_login
from codenex.providers.google.wires import Answer, out_of_order, post_form
from codenex.providers.transport import Transport
from codenex.store.files import write_atomically
from codenex.store.sealing import Sealing, SealingError, sealing_of
from codenex.store.settings import Account, GoogleLogin

#: Seconds before a token's end from which on it is renewed, and from which on it isn't used any more.
EARLY = 300.0
LATE = 30.0
#: ``code`` of the fault of an account that can't be used; the pool retires the account.
UNUSABLE = "account_unusable"
_FILE_LIMIT = 1024 * 1024

#: What the token endpoint says of a credential that will never be renewed, and what to tell the operator.
_DEAD = {
    "invalid_grant": "Google has withdrawn this login, or it has expired.",
    "invalid_client": "Google does not know the OAuth client: its id and secret must be those that the login was made"
    " with.",
    "unauthorized_client": "the OAuth client may not renew this login: its id must be the one that the login was made"
    " with.",
}


class Login(msgspec.Struct):
    """What this process holds of one account's login."""

    place: GoogleLogin
    #: the refresh token in the account's file, and the credential with the newest one
    kept: str | None
    credential: Credential
    ledger: Ledger
    stamps: tuple[object, object]
    known: Known

    @property
    def token(self) -> str | None:
        """The access token that is known to be the newest."""
        return self.known.access_token or self.credential.access_token

    @property
    def expires(self) -> float:
        """When it ends, in seconds since 1970."""
        return self.known.expires if self.known.access_token is not None else self.credential.expires


class Logins:
    """The logins of one process. ``clock`` gives seconds since 1970."""

    def __init__(self, transport: Transport, clock: Callable[[], float] = time.time) -> None:
        self._transport = transport
        self._clock = clock
        self._logins: dict[str, Login] = {}
        self._renewals: dict[Path, asyncio.Task[str]] = {}

    async def token(self, account: Account, refused: str | None = None) -> str:
        """Return an access token; another one than ``refused``. Raises :class:`Fault`: ``account_unusable`` where only
        a new login helps."""
        login = self.login(account)
        if login.known.problem is not None and login.known.problem.lasting:
            raise unusable(login.known.problem)
        now, token = self._clock(), login.token
        if token is not None and token != refused:
            if now < login.expires - EARLY:
                return token
            if now < login.expires - LATE:
                # Still good: nobody has to wait for the next one.
                self._renewal(account, login, refused)
                return token
        return await asyncio.shield(self._renewal(account, login, refused))

    async def renew_early(self, account: Account) -> bool:
        """Renew a token that is about to end, and no other; tell whether there was one. Raises :class:`Fault`."""
        login = self.login(account)
        out = login.known.problem is not None and login.known.problem.lasting
        if out or login.token is None or not 0 < login.expires - self._clock() <= EARLY:
            return False
        await asyncio.shield(self._renewal(account, login, None))
        return True

    def login(self, account: Account) -> Login:
        """Return what is known of an account's login, read anew where a file has changed. Raises :class:`Fault`."""
        place = _place(account)
        held = self._logins.get(account.uuid)
        own = stamp_of(place.credentials_file) if place.credentials_file is not None else place.credentials
        if held is not None and held.place == place and held.stamps == (own, held.ledger.stamp()):
            return held
        kept, credential, ledger = newest(place)
        stamp, known = ledger.stamp(), ledger.read()
        login = self._logins[account.uuid] = Login(place, kept, credential, ledger, (own, stamp), known)
        return login

    async def learn(self, account: Account, **changes: object) -> Known:
        """Keep something that was learned of an account, for all processes. Raises ``OSError``, :class:`Fault`."""
        ledger = self.login(account).ledger
        async with ledger.locked():
            before = ledger.read()
            known = msgspec.structs.replace(before, **changes)
            if known != before:
                await asyncio.to_thread(ledger.write, known)
        return known

    async def forgive(self, account: Account) -> None:
        """Forget what was wrong with an account, so that it is tried again. Raises ``OSError``, :class:`Fault`."""
        await self.learn(account, problem=None)

    async def close(self) -> None:
        """Give renewals up that are under way."""
        tasks = tuple(self._renewals.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _renewal(self, account: Account, login: Login, refused: str | None) -> asyncio.Task[str]:
        """Return the one renewal of a login that is under way in this process."""
        path = login.ledger.path
        task = self._renewals.get(path)
        if task is None:
            task = self._renewals[path] = asyncio.get_running_loop().create_task(self._renew(account, login, refused))
            task.add_done_callback(lambda done: self._over(path, done))
        return task

    def _over(self, path: Path, task: asyncio.Task[str]) -> None:
        del self._renewals[path]
        if not task.cancelled():
            # Nobody may be waiting for it: a failure then shows with the next request.
            task.exception()

    async def _renew(self, account: Account, login: Login, refused: str | None) -> str:
        async with login.ledger.locked():
            known = login.ledger.read()
            if known.problem is not None and known.problem.lasting:
                raise unusable(known.problem)
            if known.replaced is None:
                faster = known.access_token not in (None, refused) and self._clock() < known.expires - EARLY
                if not faster:
                    known = await self._asked(account, login, known)
                await self._follow(login, known)
                return known.access_token or ""
        # Another process got another refresh token: that is the one to go on with.
        return await self._renew(account, self.login(account), refused)

    async def _asked(self, account: Account, login: Login, known: Known) -> Known:
        """Ask Google for a new token, and write down what is known then. Raises :class:`Fault`."""
        place = _place(account)
        refresh_token = login.credential.refresh_token
        client_id, client_secret = _client(place, login.credential)
        problem = None
        if refresh_token is None:
            problem = needs_login("the credential holds no refresh_token, and its access_token has ended.")
        elif client_id is None or client_secret is None:
            # Nothing is kept of this: the operator only has to say it.
            raise unusable(needs_login("no OAuth client is configured: set its id and secret in the environment."))
        if problem is None and refresh_token is not None:
            fields = {
                "grant_type": "refresh_token",
                "refresh_token": refresh_token,
                "client_id": client_id or "",
                "client_secret": client_secret or "",
            }
            answer = await post_form(self._transport, place.token_url, fields, account.login_proxy_url)
            problem = _dead(answer)
            if problem is None:
                renewed, given = _renewed(answer, known, self._clock())
                return await self._written(login, renewed, given)
        await asyncio.to_thread(
            login.ledger.write, msgspec.structs.replace(known, access_token=None, expires=0.0, problem=problem)
        )
        raise unusable(problem or needs_login(""))

    async def _written(self, login: Login, known: Known, given: str | None) -> Known:
        """Write down what is known now, under the refresh token that Google gave, if it gave one."""
        if given is None or given == login.credential.refresh_token:
            await asyncio.to_thread(login.ledger.write, known)
            return known
        # The way to the new one first: whoever is killed here leaves a login that can be renewed.
        await asyncio.to_thread(login.ledger.write, Known(replaced=given))
        login.credential = msgspec.structs.replace(login.credential, refresh_token=given)
        folder, client = login.ledger.path.parent, _client(login.place, login.credential)
        sealing = sealing_of(login.place.key_file)
        await asyncio.to_thread(Ledger(folder, login.credential, client, sealing).write, known)
        return known

    async def _follow(self, login: Login, known: Known) -> None:
        """Write the new tokens into the account's own file as well, where other programs look for them."""
        if login.place.credentials_file is None:
            return
        path = Path(login.place.credentials_file)
        try:
            sealing = sealing_of(login.place.key_file)
            there = await asyncio.to_thread(_read, path, sealing)
        except (CredentialInvalid, SealingError):
            return
        if there.refresh_token != login.kept:
            # Somebody has logged in meanwhile: what is there is newer than this.
            return
        changed = msgspec.structs.replace(
            there,
            access_token=known.access_token,
            expires=known.expires,
            refresh_token=login.credential.refresh_token,
        )
        if changed != there:
            await asyncio.to_thread(write_atomically, path, sealing.sealed(written(changed)))


def credential_of(place: GoogleLogin) -> Credential:
    """Return the credential of an account. Raises :class:`Fault` (``account_unusable``)."""
    try:
        if place.credentials_file is not None:
            return _read(Path(place.credentials_file), sealing_of(place.key_file))
        return parsed((place.credentials or "").encode())
    except (CredentialInvalid, SealingError) as error:
        raise unusable(needs_login(f"the credential can't be used: {error}.")) from None


def newest(place: GoogleLogin) -> tuple[str | None, Credential, Ledger]:
    """Return the refresh token in an account's file, the credential with the newest one, and its ledger. Raises
    :class:`Fault` (``account_unusable``)."""
    credential = credential_of(place)
    kept = credential.refresh_token
    while True:
        try:
            sealing = sealing_of(place.key_file)
            ledger = Ledger(Path(place.state_dir), credential, _client(place, credential), sealing)
            replaced = ledger.read().replaced
        except SealingError as error:
            raise unusable(needs_login(f"what is known of the login can't be read: {error}.")) from None
        if replaced is None or replaced == credential.refresh_token:
            return kept, credential, ledger
        # Google gave another one, which this account's file may not have yet.
        credential = msgspec.structs.replace(credential, refresh_token=replaced, access_token=None)


def problem_with(account: Account) -> Problem | None:
    """Return what is known to be wrong with an account's login, without asking anybody."""
    try:
        return newest(_place(account))[2].read().problem
    except Fault as fault:
        return needs_login(fault.notice or fault.message)


def whose(account: Account) -> tuple[str | None, str | None]:
    """Return the address of whoever has logged in, and Google's name of the account's tier, as far as they are known.
    Reads files."""
    try:
        _, credential, ledger = newest(_place(account))
    except Fault:
        return None, None
    return credential.email, ledger.read().tier


def unusable(problem: Problem) -> Fault:
    """Build the fault of an account that can't be used: clients learn that, and the operator why."""
    fault = Fault(
        FaultKind.UNAVAILABLE,
        f"the Google account behind this model can't be used ({problem.code}): its operator has to act",
        code=UNUSABLE,
    )
    fault.notice = problem.told
    return fault


def _read(path: Path, sealing: Sealing) -> Credential:
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_LIMIT)
    except OSError as error:
        raise CredentialInvalid(f"{path.name} can't be read: {error.strerror}") from None
    return parsed(sealing.opened(content))


def _place(account: Account) -> GoogleLogin:
    if account.google is None:
        raise unusable(needs_login("no credential is configured for this account."))
    return account.google


def _client(place: GoogleLogin, credential: Credential) -> tuple[str | None, str | None]:
    """Return the client that renews a credential: its own, where it names one."""
    if credential.client_id is not None:
        return credential.client_id, credential.client_secret or place.client_secret
    return place.client_id, place.client_secret


def _dead(answer: Answer) -> Problem | None:
    error = answer.body.get("error")
    if answer.status in (400, 401) and isinstance(error, str) and error in _DEAD:
        return needs_login(_DEAD[error])
    return None


def _renewed(answer: Answer, known: Known, now: float) -> tuple[Known, str | None]:
    """Return what is known with the new token, and the new refresh token, which Google usually doesn't give."""
    token, lasts = answer.body.get("access_token"), answer.body.get("expires_in")
    if answer.status != 200 or not isinstance(token, str) or not token:
        out_of_order(answer, "Google's token endpoint")
    seconds = float(lasts) if isinstance(lasts, int | float) and not isinstance(lasts, bool) and lasts > 0 else 3600.0
    given = answer.body.get("refresh_token")
    renewed = msgspec.structs.replace(known, access_token=token, expires=now + seconds, problem=None)
    return renewed, given if isinstance(given, str) and given else None
