"""Endpoints for ``config.json``: the settings in use and where they come from, their schema, and changes."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Body, Query, Response
from pydantic import BaseModel, ConfigDict

from codenex.control.administration import Refusal
from codenex.control.changing import IfMatch, changed, configuration_file, etag
from codenex.control.config_changes import Difference, differences, merged, unusable
from codenex.control.errors import ConfigurationError
from codenex.control.files import CONFIG
from codenex.control.masking import masked, secrets_in
from codenex.control.part import ControlPart
from codenex.control.setting_help import AT_START, configuration_schema
from codenex.control.state import Part
from codenex.store.documents import Document, revision_of

if TYPE_CHECKING:
    from codenex.control.explanation import Explanation

_Fields = Annotated[
    dict[str, Any],
    Body(max_length=1000, description="Settings by name. A masked value keeps what is stored; null removes a setting."),
]


class SettingsShown(BaseModel):
    """Every setting under its name, unknown fields of the file too; secrets are masked. ``problems`` is what is wrong
    with the files."""

    model_config = ConfigDict(extra="allow")

    isDefaultPassword: bool = False  # noqa: N815 - existing clients read this name
    problems: list[str]


class SettingExplained(BaseModel):
    """One setting. ``source`` is ``command line``, ``environment``, ``file`` or ``default``; ``place`` a file, where it
    stands in one; ``stored`` is what ``config.json`` says."""

    value: Any
    default: Any
    source: str
    place: str | None
    stored: Any


class SettingsExplained(BaseModel):
    """All settings with where they come from, and the file's fields that this version does not know."""

    settings: dict[str, SettingExplained]
    unknown: dict[str, Any]
    problems: list[str]


class FieldChanged(BaseModel):
    """A field of the file before and after, masked; ``null`` where it is not there."""

    name: str
    before: Any
    after: Any


class ConfigChanged(BaseModel):
    """What a change has done, or would do. ``overruled`` are changed settings that something else goes before;
    ``atStart`` are those that are in use only after a new start."""

    success: bool = True
    message: str
    details: str
    dryRun: bool  # noqa: N815
    changes: list[FieldChanged]
    overruled: dict[str, str]
    atStart: list[str]  # noqa: N815


def config_router() -> APIRouter:
    """Build the router."""
    router = APIRouter(prefix="/api/config")

    @router.get("")
    async def config(
        part: Part,
        response: Response,
        explain: Annotated[bool, Query(description="With where each comes from.")] = False,
    ) -> SettingsExplained | SettingsShown:
        """The settings in use; secrets are masked. ``ETag`` is the revision of ``config.json``."""
        # The revision first: what somebody changes meanwhile then passes for unseen, and not the other way round.
        data = await asyncio.to_thread(Document(configuration_file(part, CONFIG).path, sealable=True).read)
        found = await _in_use(part)
        response.headers["etag"] = etag(revision_of(data))
        secrets = secrets_in({**found.values, **found.unknown})
        if not explain:
            shown = masked({**found.unknown, **found.values}, secrets)
            return SettingsShown.model_validate({**shown, "isDefaultPassword": False, "problems": part.problems})
        return SettingsExplained(
            settings=_explained(found, secrets), unknown=masked(found.unknown, secrets), problems=part.problems
        )

    @router.get("/schema")
    async def schema() -> dict[str, Any]:
        """The JSON schema of ``config.json``, with help texts, defaults and groups, for forms."""
        return configuration_schema()

    @router.post("")
    async def update(
        body: _Fields,
        part: Part,
        response: Response,
        if_match: IfMatch = None,
        dry_run: Annotated[bool, Query(description="Only say what would change.")] = False,
    ) -> ConfigChanged:
        """Change settings in ``config.json``; the others stay as they are, also those that this version does not know.
        What is written is in use when this answers."""
        found = await _in_use(part)

        def change(stored: dict[str, Any]) -> tuple[dict[str, Any], list[Difference]]:
            after = merged(stored, body, found)
            return after, differences(stored, after)

        try:
            changes, revision = await changed(part, CONFIG, change, if_match, dry_run=dry_run)
        except Refusal as refusal:
            if refusal.status != 422 or refusal.details:
                raise
            raise unusable(refusal.message, body) from None
        response.headers["etag"] = etag(revision)
        if changes and not dry_run:
            names = [change.name for change in changes]
            part.events.publish("config_update", {"action": "update", "filePath": CONFIG, "settings": names})
        return _told(changes, found, dry_run)

    return router


async def _in_use(part: ControlPart) -> Explanation:
    # What reads the settings is large, and a process without a master does without it until somebody asks.
    from codenex.control.explanation import explained

    try:
        return await asyncio.to_thread(explained, part.flags)
    except ConfigurationError as error:
        raise Refusal(409, str(error)) from None


def _explained(found: Explanation, secrets: tuple[str, ...]) -> dict[str, SettingExplained]:
    values, stored = masked(found.values, secrets), masked({n: s.stored for n, s in found.settings.items()}, secrets)
    return {
        name: SettingExplained(
            value=values[name],
            default=setting.default,
            source=setting.source.kind,
            place=setting.source.place,
            stored=stored[name],
        )
        for name, setting in found.settings.items()
    }


def _told(changes: list[Difference], found: Explanation, dry_run: bool) -> ConfigChanged:
    names = [change.name for change in changes]
    sources = {name: found.settings[name].source for name in names if name in found.settings}
    overruled = {name: str(source) for name, source in sources.items() if source.kind not in ("file", "default")}
    would = "would be " if dry_run else ""
    return ConfigChanged(
        message=f"{', '.join(names)} {would}changed" if names else f"nothing {would}changed",
        details=f"{CONFIG} {'would be' if dry_run else 'was'} {'changed' if names else 'left as it is'}",
        dryRun=dry_run,
        changes=[FieldChanged(name=change.name, before=change.before, after=change.after) for change in changes],
        overruled=overruled,
        atStart=[name for name in names if name in AT_START],
    )
