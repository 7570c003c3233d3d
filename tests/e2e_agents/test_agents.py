"""Real coding agents do a job through the gateway, each against a vendor of each protocol."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from tests.e2e_agents.agents import AGENTS, TASK, Agent, work
from tests.e2e_agents.newest import MODELS
from tests.e2e_agents.toolbox import Toolbox
from tests.e2e_agents.worker import Job, Worker, results
from tests.support.gateway import account_for, running_gateway, settings_for
from tests.support.scenario import Part, Text
from tests.support.upstream import ScriptedUpstream
from tests.support.vendors.dialects import DIALECTS, ProtocolName

NOTES = "notes.txt"
BEFORE, AFTER = "colour: red", "colour: blue"
SECRET = "secret: 7c1e40d2"
END = "All done: the colour is blue now (4b9f02aa)."


def job_in(folder: Path) -> Job:
    """Read the file, run two commands at once (whose outputs are not in their command lines), edit the file."""
    notes = str(folder / NOTES)

    def look(tools: Toolbox, id: Callable[[], str]) -> Sequence[Part]:
        return Text("I'll read the notes first."), tools.read(id(), notes)

    def compute(tools: Toolbox, id: Callable[[], str]) -> Sequence[Part]:
        return tools.run(id(), "expr 40000 + 1234"), tools.run(id(), "expr 1000 - 1")

    def edit(tools: Toolbox, id: Callable[[], str]) -> Sequence[Part]:
        return (tools.edit(id(), notes, BEFORE, AFTER),)

    return Job(TASK, (look, compute, edit), END)


@pytest.mark.parametrize("upstream", DIALECTS)
@pytest.mark.parametrize("agent", AGENTS, ids=lambda agent: agent.name)
async def test_an_agent_does_its_job(agent: Agent, upstream: ProtocolName, tmp_path: Path) -> None:
    home, folder = tmp_path / "home", tmp_path / "work"
    home.mkdir()
    folder.mkdir()
    (folder / NOTES).write_text(f"{BEFORE}\n{SECRET}\n")
    async with ScriptedUpstream() as trap, Worker(upstream, job_in(folder)) as vendor:
        aliases = dict.fromkeys(agent.models, MODELS[upstream])
        async with running_gateway(settings_for(account_for(vendor, aliases=aliases))) as gateway:
            output = await work(agent, gateway.port, home, folder, trap.port)
            statuses = [record.status for record in gateway.records]
    assert not vendor.problems, "\n\n".join(vendor.problems)
    assert set(statuses) == {200}
    assert END in output
    assert (folder / NOTES).read_text() == f"{AFTER}\n{SECRET}\n"
    given = list(results(vendor.last).values())
    assert len(given) == 4
    assert SECRET in given[0]
    assert "41234" in given[1]
    assert "999" in given[2]
    assert [request.target for request in trap.requests] == []
