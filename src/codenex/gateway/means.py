"""What the attempts of one generation of settings are made with."""

from __future__ import annotations

from codenex.gateway.accounts import Accounts
from codenex.gateway.affinity import Affinity
from codenex.gateway.encoding import Target
from codenex.gateway.vigil import Vigil
from codenex.providers.claude_code.program import DEFAULT_PATH, Bounds, ClaudeCode
from codenex.providers.registry import ProviderType
from codenex.providers.transport import Deadlines, Transport
from codenex.store.settings import Account, Settings

#: Models behind accounts that are remembered at most, and the longest name among them.
_REMEMBERED = 1024
_LONGEST_MODEL = 256


class Means:
    """Accounts and connections to their upstreams, and what all requests to an account have in common."""

    def __init__(
        self,
        settings: Settings,
        accounts: Accounts,
        affinity: Affinity,
        transport: Transport,
        claude_code: ClaudeCode,
    ) -> None:
        self.settings = settings
        self.accounts = accounts
        self.affinity = affinity
        self.transport = transport
        self.claude_code = claude_code
        self.bounds = Bounds(
            settings.claude_code_path or DEFAULT_PATH,
            settings.claude_code_processes,
            settings.claude_code_timeout,
            settings.claude_code_spares,
        )
        self.vigil = Vigil()
        self._deadlines: dict[str, Deadlines] = {}
        self.envelope_key = bytes.fromhex(settings.envelope_key)
        self._targets: dict[tuple[str, str, str], Target] = {}

    def target_of(self, provider: ProviderType, account: Account, model: str) -> Target:
        """Return a model behind an account; those that are asked for again and again are remembered."""
        key = (provider.name, account.uuid, model)
        known = self._targets.get(key)
        if known is None:
            known = Target(provider, account, model, self.settings.model_facts)
            if len(self._targets) < _REMEMBERED and len(model) <= _LONGEST_MODEL:
                self._targets[key] = known
        return known

    def deadlines_of(self, account: Account) -> Deadlines:
        """Return the deadlines of an account's requests: its own, or those of all."""
        known = self._deadlines.get(account.uuid)
        if known is None:
            general = self.settings
            own = (account.connect_timeout, account.first_byte_timeout, account.idle_timeout)
            common = (general.connect_timeout, general.first_byte_timeout, general.idle_timeout)
            chosen = [mine if mine is not None else theirs for mine, theirs in zip(own, common, strict=True)]
            known = self._deadlines[account.uuid] = Deadlines(*chosen)
        return known
