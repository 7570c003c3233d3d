"""The scripted Google: one server for log-in page, tokens and both services."""

from __future__ import annotations

import copy
import json
import time
from collections import deque
from collections.abc import Callable
from typing import Any, Final

from tests.support.google.oauth import OAuth, json_reply
from tests.support.google.rules import check_antigravity, check_code_assist, check_count
from tests.support.replies import Reply, Stream, Unary
from tests.support.scenario import Scenario
from tests.support.upstream import Request
from tests.support.vendor import ScriptedVendor
from tests.support.vendors.framing import Json, event

PROJECT: Final = "project-of-the-tests"
STANDARD: Final[Json] = {
    "currentTier": {"id": "standard-tier", "name": "Gemini Code Assist", "userDefinedCloudaicompanionProject": True},
    "allowedTiers": [{"id": "standard-tier", "name": "Gemini Code Assist", "isDefault": True}],
    "cloudaicompanionProject": PROJECT,
    "gcpManaged": False,
}
#: Tomorrow, in the form in which Google writes it.
RESET: Final = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(time.time() + 86_400))
MODELS: Final = ("gemini-2.5-flash", "gemini-2.5-pro", "gemini-3-pro-preview", "gemini-3-flash-preview")
IDS: Final = ("gemini-3-pro-low", "gemini-3-flash", "gemini-2.5-flash", "gemini-3-pro-image", "claude-sonnet-4-5")
_TYPE: Final = "type.googleapis.com/google.rpc."


def error(status: int, word: str, message: str, *details: Json) -> Unary:
    """An error as Google writes it; a detail's ``@type`` is its last word."""
    named = [{**detail, "@type": _TYPE + detail["@type"]} for detail in details]
    value: Json = {"code": status, "message": message, "status": word}
    return json_reply({"error": {**value, "details": named} if named else value}, status)


class ScriptedGoogle(ScriptedVendor):
    """``async with ScriptedGoogle() as google`` serves all of it at ``google.url``; ``antigravity`` says whose rules
    hold for requests. ``loaded`` is what loadCodeAssist answers; ``answer_next`` and ``scenario`` are about answers of
    models, whose envelope is put around here.
    """

    def __init__(
        self, *, antigravity: bool = False, scenario: Scenario | Callable[[Request, Json], Scenario] | None = None
    ) -> None:
        super().__init__("gemini", scenario=scenario)
        self.oauth = OAuth()
        self.antigravity = antigravity
        self.project = PROJECT
        self.loaded: Json | Unary = copy.deepcopy(STANDARD)
        self.onboarding: deque[Json] = deque()
        """What onboardUser and then the operation answer, one after another; the last one stays."""
        self.quota_models = MODELS
        self.left: dict[str, float | None] = {}
        """What is left of models' quotas, where that is not nearly all; None: Google does not say."""
        self.ids = IDS
        self.calls: list[tuple[str, Any]] = []
        """Methods of the services that were called, with their bodies."""
        self.answered = 0
        self.on("GET", "/o/oauth2/v2/auth", self.oauth.page)
        self.on("GET", "/consent", self.oauth.consent)
        self.on("POST", "/token", self.oauth.token)
        self.on("GET", "/oauth2/v2/userinfo", self.oauth.userinfo)
        for method, answer in {
            "loadCodeAssist": self._load,
            "onboardUser": self._onboard,
            "retrieveUserQuota": self._quota,
            "fetchAvailableModels": self._available,
            "listExperiments": lambda request: json_reply({"experimentIds": [], "flags": []}),
            "generateContent": self._answer,
            "streamGenerateContent": self._answer,
            "countTokens": self._count_tokens,
        }.items():
            self.on("POST", f"/v1internal:{method}", self._guarded(method, answer))
        self.on("GET", "/v1internal/operations/{name}", self._guarded("operation", self._onboard))

    def called(self, method: str) -> list[Any]:
        """The bodies with which a method was called."""
        return [body for name, body in self.calls if name == method]

    def _guarded(self, method: str, answer: Callable[[Request], Any]) -> Callable[[Request], Any]:
        async def handle(request: Request) -> Reply:
            self.calls.append((method, request.json))
            if not self.oauth.holds(request):
                return error(401, "UNAUTHENTICATED", "Request had invalid authentication credentials.")
            if request.method == "POST" and request.headers.get("content-type") != "application/json":
                return error(400, "INVALID_ARGUMENT", "Content-Type must be application/json")
            reply = answer(request)
            return await reply if hasattr(reply, "__await__") else reply

        return handle

    # accounts

    def _load(self, request: Request) -> Reply:
        metadata = (request.json or {}).get("metadata") or {}
        expected = "ANTIGRAVITY" if self.antigravity else "IDE_UNSPECIFIED"
        if metadata.get("ideType") != expected:
            return self._wrong(f"metadata.ideType: {metadata.get('ideType')!r}")
        return self.loaded if isinstance(self.loaded, Unary) else json_reply(self.loaded)

    def _onboard(self, request: Request) -> Reply:
        body = request.json or {}
        if body.get("tierId") == "free-tier" and "cloudaicompanionProject" in body:
            return error(400, "FAILED_PRECONDITION", "Precondition Failed")
        return json_reply(self.onboarding.popleft() if len(self.onboarding) > 1 else self.onboarding[0])

    def _quota(self, request: Request) -> Reply:
        if request.json != {"project": self.project}:
            return self._wrong(f"retrieveUserQuota: {request.json}")
        buckets = [
            {"modelId": model, "tokenType": "REQUESTS", "remainingAmount": "987", "resetTime": RESET}
            | self._left(model, 0.987)
            for model in self.quota_models
        ]
        return json_reply({"buckets": buckets})

    def _available(self, request: Request) -> Reply:
        ids = (*self.ids, "chat_20706", "tab_flash_lite")
        return json_reply({"models": {id: self._facts(id) for id in ids}})

    def _facts(self, id: str) -> Json:
        quota = {"resetTime": RESET} | self._left(id, 0.8)
        return {"displayName": id.title(), "quotaInfo": quota, "maxOutputTokens": 64000}

    def _left(self, model: str, otherwise: float) -> Json:
        left = self.left.get(model, otherwise)
        return {} if left is None else {"remainingFraction": left}

    # models

    def _wrong(self, *problems: str) -> Unary:
        self.problems.extend(problems)
        return error(400, "INVALID_ARGUMENT", "; ".join(problems))

    def _count_tokens(self, request: Request) -> Reply:
        problems = check_count(request.json)
        return self._wrong(*problems) if problems else json_reply({"totalTokens": self.tokens})

    async def _answer(self, request: Request) -> Reply:
        body = request.json
        problems = (check_antigravity if self.antigravity else check_code_assist)(body, self.project)
        if problems:
            return self._wrong(*problems)
        method = request.path.rpartition(":")[2]
        inner = Request(
            request.method,
            f"/v1beta/models/{body['model']}:{method}?alt=sse",
            request.headers,
            json.dumps(body["request"]).encode(),
            request.connection,
            request.at,
            {"model": body["model"]},
        )
        self.validate = False
        return self._wrapped(await self._generate(inner))

    def _wrapped(self, reply: Reply) -> Reply:
        self.answered += 1
        trace = f"trace-{self.answered}"
        if isinstance(reply, Unary) and reply.status == 200:
            return json_reply({"response": json.loads(reply.body), "traceId": trace})
        if not isinstance(reply, Stream):
            return reply
        chunks = []
        for chunk in reply.chunks:
            value = json.loads(chunk.partition(b"data: ")[2])
            chunks.append(event({"response": value, "traceId": trace} if "candidates" in value else value))
        return Stream(chunks, headers={"content-type": "text/event-stream"}, delay=reply.delay)
