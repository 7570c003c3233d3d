"""Every route of the server, taken from the code that serves it: a new one is tested without anybody naming it."""

from __future__ import annotations

from dataclasses import dataclass

from starlette.routing import Route

from codenex.control.administration import Administration
from codenex.control.application import build_application
from codenex.control.guard import is_open
from codenex.gateway import routes
from codenex.gateway.routes import Operation, matched
from codenex.store.settings import Settings

#: What opens a route.
CLIENT, ADMIN, EITHER = "client key", "admin session", "either"
#: Paths that no table of the router lists, because a pattern finds them.
PATTERNS = ("/v1/models/demo", "/v1beta/models/demo", "/v1/responses/resp_1", "/v1/responses/resp_1/input_items")
#: Operations that need nothing, and those that both an admin and a client may ask for.
OPEN_OPERATIONS = {Operation.HEALTH, Operation.READY, Operation.PROBE}
SHARED_OPERATIONS = {Operation.PROVIDER_HEALTH, Operation.METRICS}


@dataclass(frozen=True)
class Door:
    """A route that needs something."""

    method: str
    path: str
    opened_by: str


def management_routes() -> list[tuple[str, str]]:
    """Method and path of every route of the management API, from its application."""
    application = build_application(Administration(Settings()))
    found = [route for route in application.routes if isinstance(route, Route)]
    for included in application.routes:
        found += getattr(getattr(included, "original_router", None), "routes", [])
    # Those are open to client keys too.
    found = [route for route in found if route.path not in ("/provider_health", "/metrics")]
    return sorted({(method, route.path) for route in found for method in route.methods or ()})


def client_paths() -> list[str]:
    """A path of every route of the data plane, from the router's tables."""
    paths = [f"{version}{path}" for path in routes._FIXED for version in ("", "/v1", "/demo/v1", "/v1beta")]
    paths += [f"/v1beta/models/demo:{method}" for method in routes._GEMINI_METHODS]
    return [*paths, *PATTERNS, *routes._OPEN]


def doors() -> list[Door]:
    """Every route that needs something, in every method that it has."""
    found = [Door(method, path, ADMIN) for method, path in management_routes() if not is_open(method, path)]
    for path in client_paths():
        route = matched(path)
        if route.operation not in OPEN_OPERATIONS:
            opened_by = EITHER if route.operation in SHARED_OPERATIONS else CLIENT
            found += [Door(method, path, opened_by) for method in route.methods]
    return found


def operations() -> set[Operation]:
    """What the paths above mean to the router."""
    return {matched(path).operation for path in client_paths()} | {Operation.CONTROL, Operation.PROBE}
