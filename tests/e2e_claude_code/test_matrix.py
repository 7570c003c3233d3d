"""The matrix of the four client protocols, with the real CLI in between."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.e2e_claude_code.programs import VERSIONS, Api, account, by_the_cli
from tests.matrix.cases import CASES, Case
from tests.matrix.clients import CLIENTS, client_of
from tests.matrix.test_matrix import arrived, check
from tests.support.gateway import running_gateway, settings_for
from tests.support.scenario import say

#: Longer than the model's context, by the CLI's own count.
REFUSED = {("older", "2 MB text")}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.parametrize("version", VERSIONS)
async def test_a_cell(version: str, client: str, case: Case, tmp_path: Path) -> None:
    async with Api(say("nothing")) as api:
        async with running_gateway(settings_for(account(version, api, tmp_path))) as gateway:
            for stream in (False, True):
                api.scenario = by_the_cli(case)
                before = len(api.asked)
                async with client_of(client, gateway, "sonnet") as sdk:
                    if (version, case.name) in REFUSED:
                        with pytest.raises(Exception, match="400"):
                            await sdk.run(case.ask, stream)
                        continue
                    got = await sdk.run(case.ask, stream)
                check(case, client, "anthropic", got)
                arrived(case, api.asked[-1])
                # After a cut, or after nothing, the CLI tries again, and may have begun to before it is killed.
                most = 2 if case.scenario.finish == "length" or not case.scenario.parts else 1
                assert before < len(api.asked) <= before + most, "one call of the API for each request"
