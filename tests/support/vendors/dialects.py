"""The four protocols side by side: where each vendor keeps what the scripted server has to know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, Protocol

from tests.support.replies import Unary
from tests.support.scenario import Scenario
from tests.support.upstream import Request
from tests.support.vendors.anthropic import answers as anthropic_answers
from tests.support.vendors.anthropic import errors as anthropic_errors
from tests.support.vendors.anthropic import rules as anthropic_rules
from tests.support.vendors.framing import Json
from tests.support.vendors.gemini import answers as gemini_answers
from tests.support.vendors.gemini import errors as gemini_errors
from tests.support.vendors.gemini import rules as gemini_rules
from tests.support.vendors.openai_chat import answers as chat_answers
from tests.support.vendors.openai_chat import errors as chat_errors
from tests.support.vendors.openai_chat import rules as chat_rules
from tests.support.vendors.openai_responses import answers as responses_answers
from tests.support.vendors.openai_responses import errors as responses_errors
from tests.support.vendors.openai_responses import rules as responses_rules

ProtocolName = Literal["openai_chat", "openai_responses", "anthropic", "gemini"]
Task = Literal["generate", "count", "models", "model", "embed"]


class Answers(Protocol):
    """What every ``answers`` module has."""

    def unary(self, scenario: Scenario, request: Json) -> bytes: ...
    def stream(self, scenario: Scenario, request: Json) -> list[bytes]: ...


class Errors(Protocol):
    """What every ``errors`` module has. Kinds are the keys of its ``TABLE``."""

    def error(self, kind: str, message: str | None = None) -> Unary: ...
    def failing_stream(self, scenario: Scenario, request: Json, kind: str, *, after: int) -> list[bytes]: ...


@dataclass(frozen=True)
class Dialect:
    """One protocol as its vendor serves it. Paths have ``{model}`` where the model is in them."""

    name: ProtocolName
    routes: Sequence[tuple[str, str, Task]]
    answers: Answers
    errors: Errors
    check_request: Callable[..., list[str]]
    credential: Callable[[Request], str | None]
    tools: Callable[[Json], list[tuple[str, Any]]]
    """Names and schemas of the function tools offered."""
    has_result: Callable[[Json], bool]
    """Whether the conversation holds the result of a tool."""
    forbids_tools: Callable[[Json], bool]
    models: Callable[[Sequence[str]], bytes]
    model: Callable[[str], bytes]
    count: Callable[[int], bytes] | None
    call_prefix: str
    handshake: int
    """Events of a stream before the first real output."""
    default_model: str
    headers: Sequence[tuple[str, str]] = ()

    def streams(self, request: Request) -> bool:
        """Whether the request asks for a stream."""
        if self.name == "gemini":
            return request.path.endswith(":streamGenerateContent")
        return (request.json or {}).get("stream") is True

    def model_of(self, request: Request) -> str:
        return request.params.get("model") or str((request.json or {}).get("model", ""))


def _bearer(request: Request) -> str | None:
    scheme, _, key = (request.headers.get("authorization") or "").partition(" ")
    return key if scheme.lower() == "bearer" and key else None


def _anthropic_key(request: Request) -> str | None:
    return request.headers.get("x-api-key") or _bearer(request)


def _gemini_key(request: Request) -> str | None:
    return request.headers.get("x-goog-api-key") or request.query.get("key")


def _chat_tools(body: Json) -> list[tuple[str, Any]]:
    functions = [tool["function"] for tool in body.get("tools") or [] if tool.get("type") == "function"]
    return [(function["name"], function.get("parameters")) for function in functions]


def _responses_tools(body: Json) -> list[tuple[str, Any]]:
    tools = [tool for tool in body.get("tools") or [] if tool.get("type") == "function"]
    return [(tool["name"], tool.get("parameters")) for tool in tools]


def _anthropic_tools(body: Json) -> list[tuple[str, Any]]:
    return [(tool["name"], tool["input_schema"]) for tool in body.get("tools") or [] if "input_schema" in tool]


def _gemini_tools(body: Json) -> list[tuple[str, Any]]:
    declared = [entry for tool in body.get("tools") or [] for entry in tool.get("functionDeclarations") or []]
    return [(entry["name"], entry.get("parametersJsonSchema", entry.get("parameters"))) for entry in declared]


def _parts(turns: Any, key: str) -> list[Any]:
    """All parts of all turns that keep them in a list under ``key``."""
    lists = [turn.get(key) for turn in turns or [] if isinstance(turn, dict)]
    return [part for parts in lists if isinstance(parts, list) for part in parts if isinstance(part, dict)]


def _responses_result(body: Json) -> bool:
    items = body["input"] if isinstance(body.get("input"), list) else []
    return any(str(item.get("type")).endswith("_call_output") for item in items)


def _calling_mode(body: Json) -> object:
    return ((body.get("toolConfig") or {}).get("functionCallingConfig") or {}).get("mode")


CHAT: Final = Dialect(
    name="openai_chat",
    routes=(
        ("POST", "/v1/chat/completions", "generate"),
        ("POST", "/v1/embeddings", "embed"),
        ("GET", "/v1/models", "models"),
        ("GET", "/v1/models/{model}", "model"),
    ),
    answers=chat_answers,
    errors=chat_errors,
    check_request=chat_rules.check_request,
    credential=_bearer,
    tools=_chat_tools,
    has_result=lambda body: any(message.get("role") == "tool" for message in body.get("messages") or []),
    forbids_tools=lambda body: body.get("tool_choice") == "none",
    models=chat_answers.models,
    model=chat_answers.model,
    count=None,
    call_prefix="call_",
    handshake=1,
    default_model="gpt-5.4-mini",
    headers=(("x-request-id", "req_scripted"), ("openai-processing-ms", "5"), ("openai-version", "2020-10-01")),
)

RESPONSES: Final = Dialect(
    name="openai_responses",
    routes=(
        ("POST", "/v1/responses", "generate"),
        ("POST", "/v1/responses/input_tokens", "count"),
        ("POST", "/v1/embeddings", "embed"),
        ("GET", "/v1/models", "models"),
        ("GET", "/v1/models/{model}", "model"),
    ),
    answers=responses_answers,
    errors=responses_errors,
    check_request=responses_rules.check_request,
    credential=_bearer,
    tools=_responses_tools,
    has_result=_responses_result,
    forbids_tools=lambda body: body.get("tool_choice") == "none",
    models=chat_answers.models,
    model=chat_answers.model,
    count=responses_answers.count,
    call_prefix="call_",
    handshake=2,
    default_model="gpt-5.4",
    headers=CHAT.headers,
)

ANTHROPIC: Final = Dialect(
    name="anthropic",
    routes=(
        ("POST", "/v1/messages", "generate"),
        ("POST", "/v1/messages/count_tokens", "count"),
        ("GET", "/v1/models", "models"),
        ("GET", "/v1/models/{model}", "model"),
    ),
    answers=anthropic_answers,
    errors=anthropic_errors,
    check_request=anthropic_rules.check_request,
    credential=_anthropic_key,
    tools=_anthropic_tools,
    has_result=lambda body: any(part.get("type") == "tool_result" for part in _parts(body.get("messages"), "content")),
    forbids_tools=lambda body: (body.get("tool_choice") or {}).get("type") == "none",
    models=anthropic_answers.models,
    model=anthropic_answers.model,
    count=anthropic_answers.count,
    call_prefix="toolu_01",
    handshake=1,
    default_model="claude-haiku-4-5",
    headers=(("request-id", anthropic_errors.REQUEST_ID), ("anthropic-ratelimit-requests-remaining", "49")),
)

GEMINI: Final = Dialect(
    name="gemini",
    routes=tuple(
        route
        for version in ("v1beta", "v1")
        for route in (
            ("POST", f"/{version}/models/{{model}}:generateContent", "generate"),
            ("POST", f"/{version}/models/{{model}}:streamGenerateContent", "generate"),
            ("POST", f"/{version}/models/{{model}}:countTokens", "count"),
            ("POST", f"/{version}/models/{{model}}:embedContent", "embed"),
            ("POST", f"/{version}/models/{{model}}:batchEmbedContents", "embed"),
            ("GET", f"/{version}/models", "models"),
            ("GET", f"/{version}/models/{{model}}", "model"),
        )
    ),
    answers=gemini_answers,
    errors=gemini_errors,
    check_request=gemini_rules.check_request,
    credential=_gemini_key,
    tools=_gemini_tools,
    has_result=lambda body: any("functionResponse" in part for part in _parts(body.get("contents"), "parts")),
    forbids_tools=lambda body: _calling_mode(body) == "NONE",
    models=gemini_answers.models,
    model=gemini_answers.model,
    count=gemini_answers.count,
    call_prefix="",
    handshake=0,
    default_model="gemini-3-flash-preview",
    headers=(("server-timing", "gfet4t7; dur=5"),),
)

DIALECTS: Final[dict[ProtocolName, Dialect]] = {
    dialect.name: dialect for dialect in (CHAT, RESPONSES, ANTHROPIC, GEMINI)
}
