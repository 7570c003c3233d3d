"""``/provider_health`` for administrators; for client keys the workers answer it themselves."""

from __future__ import annotations

import time
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import PlainTextResponse
from pydantic import BaseModel

from codenex.control.account_health import health_by_account
from codenex.control.administration import Refusal
from codenex.control.state import Part
from codenex.core.errors import Fault
from codenex.gateway.metrics import CONTENT_TYPE, metrics
from codenex.gateway.pool_report import pool_report
from codenex.store.settings import Account

_Text = Annotated[str | None, Query(max_length=256)]


class PoolItem(BaseModel):
    """One account."""

    uuid: str
    customName: str | None  # noqa: N815
    isHealthy: bool  # noqa: N815
    isDisabled: bool  # noqa: N815
    lastErrorTime: str | None  # noqa: N815
    lastErrorMessage: str | None  # noqa: N815
    needsRefresh: bool  # noqa: N815
    identify: str
    provider: str


class PoolReport(BaseModel):
    """All accounts, flat and by provider type; ``summaryHealth`` is false where too many of them are unhealthy."""

    timestamp: str
    items: list[PoolItem]
    count: int
    unhealthyCount: int  # noqa: N815
    unhealthyRatio: float  # noqa: N815
    unhealthySummeryMessage: str  # noqa: N815
    summaryHealth: bool  # noqa: N815
    providers: dict[str, list[dict[str, Any]]]


def pool_health_router() -> APIRouter:
    """Build the router."""
    router = APIRouter()

    @router.get("/provider_health")
    async def provider_health(
        part: Part,
        request: Request,
        response: Response,
        provider: _Text = None,
        customName: _Text = None,  # noqa: N803 - existing monitors send this name
        unhealthRatioThreshold: Annotated[float, Query(ge=0, le=1)] = 0.0001,  # noqa: N803
    ) -> PoolReport:
        """How the accounts are. A client key of this server gets the same."""
        health = health_by_account(part.shared, part.settings)
        groups = {
            name: [_shown(account, health.get(account.uuid, {})) for account in group]
            for name, group in part.settings.accounts.items()
        }
        response.headers["cache-control"] = "no-store"
        try:
            return PoolReport.model_validate(pool_report(groups, request.url.query, time.time()))
        except Fault as fault:
            raise Refusal(400, fault.message) from None

    @router.get("/metrics", response_class=PlainTextResponse)
    def show_metrics(part: Part) -> Response:
        """The same, requests and processes for Prometheus."""
        health = health_by_account(part.shared, part.settings)
        groups = {
            name: [
                {**_shown(account, health[account.uuid]), "inFlight": health[account.uuid]["activeRequests"]}
                for account in group
            ]
            for name, group in part.settings.accounts.items()
        }
        headers = {"content-type": CONTENT_TYPE, "cache-control": "no-store"}
        return Response(metrics(groups, part.shared), headers=headers)

    router.add_api_route("/metrics", show_metrics, methods=["HEAD"], include_in_schema=False)
    # A probe may ask for the head alone.
    router.add_api_route("/provider_health", provider_health, methods=["HEAD"], include_in_schema=False)
    return router


_MORE = ("circuit", "restingModels", "scheduledRecoveryTime", "usageCount", "errorCount", "successRate", "lastUsed")


def _shown(account: Account, health: dict[str, Any]) -> dict[str, Any]:
    return {
        "uuid": account.uuid,
        "customName": account.name,
        "isHealthy": health.get("isHealthy", True),
        "isDisabled": account.disabled,
        "lastErrorMessage": health.get("lastErrorMessage"),
        "lastErrorTime": health.get("lastErrorTime"),
        **{name: health.get(name) for name in _MORE},
    }
