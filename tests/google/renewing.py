"""A process that renews a token as a worker does, to be killed: ``python -m tests.google.renewing ACCOUNT.json``."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

import msgspec

from codenex.providers.google.logins import Logins
from codenex.providers.transport import Transport
from codenex.store.settings import Account


async def main(account: Account) -> None:
    async with Transport() as transport:
        print("ready", flush=True)
        print(await Logins(transport).token(account), flush=True)


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(Path(sys.argv[1]).read_bytes(), type=Account)))
