"""A scripted vendor: a server that speaks one of the four protocols and refuses what the real one refuses."""

from __future__ import annotations

import inspect
import json
import ssl
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final

from tests.support.arguments import example
from tests.support.replies import Reply, Stream, Unary
from tests.support.scenario import Scenario, ToolCall, say
from tests.support.upstream import Answer, Request, ScriptedUpstream
from tests.support.vendors import embeddings
from tests.support.vendors.dialects import DIALECTS, Dialect, ProtocolName, Task
from tests.support.vendors.framing import Json, derived
from tests.support.vendors.gemini.answers import array
from tests.support.vendors.gemini.errors import array_error, failing_array

KEY: Final = "upstream-key-for-tests"


class ScriptedVendor(ScriptedUpstream):
    """``async with ScriptedVendor("anthropic") as vendor`` serves the vendor's own paths at ``vendor.url``.

    A request without the key, or one that the vendor's rules refuse, gets the vendor's own error. Any other is
    answered with ``scenario``: an answer, or a function of request and parsed body. Without one the vendor calls the
    first tool offered until a result is there, and talks otherwise.
    """

    def __init__(
        self,
        protocol: ProtocolName,
        *,
        key: str = KEY,
        scenario: Scenario | Callable[[Request, Json], Scenario] | None = None,
        models: Sequence[str] = (),
        validate: bool = True,
        delay: float = 0.0,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        super().__init__(tls=tls)
        self.dialect: Dialect = DIALECTS[protocol]
        self.key = key
        self.scenario = scenario
        self.models = list(models) or [self.dialect.default_model]
        self.validate = validate
        self.rules: dict[str, Any] = {}
        """Options of the protocol's ``check_request``, to be more or less strict."""
        self.delay = delay
        """Seconds between two events of a stream."""
        self.distort: Callable[[Reply], Reply] | None = None
        """Applied to every generated answer: a fault of ``replies``."""
        self.problems: list[str] = []
        """What the rules found wrong in the requests so far."""
        self.tokens = 42
        """What a token count answers."""
        self.counts_embeddings = protocol != "gemini"
        """Whether an answer of vectors tells the tokens; Google's older models don't."""
        self._next: deque[Answer] = deque()
        for method, path, task in self.dialect.routes:
            self.on(method, path, self._handler(task))

    def answer_next(self, *answers: Answer) -> None:
        """Answer the next generating requests so, one each, whatever they say."""
        self._next.extend(answers)

    def fail_next(self, *kinds: str) -> None:
        """Answer the next generating requests with the vendor's own errors (keys of its error table)."""
        self.answer_next(*(self._failing(kind) for kind in kinds))

    def break_next(self, kind: str, *, after: int | None = None) -> None:
        """Let the next stream fail after so many events (by default right after the handshake)."""
        after = self.dialect.handshake if after is None else after

        def broken(request: Request) -> Reply:
            body = request.json or {}
            scenario = self.scenario_for(request, body)
            failing = failing_array if self._wants_array(request) else self.dialect.errors.failing_stream
            return self._stream(request, failing(scenario, body, kind, after=after))

        self.answer_next(broken)

    # answering

    def _handler(self, task: Task) -> Callable[[Request], Any]:
        async def handle(request: Request) -> Reply:
            refusal = self._refusal(request)
            if refusal is not None:
                return refusal
            match task:
                case "generate":
                    return await self._generate(request)
                case "count":
                    assert self.dialect.count is not None
                    problems = self._check(request)
                    return self._bad(request, problems) if problems else self._whole(self.dialect.count(self.tokens))
                case "embed":
                    return self._embed(request)
                case "models":
                    return self._whole(self.dialect.models(self.models))
                case "model":
                    known = request.params["model"] in self.models
                    return self._whole(self.dialect.model(request.params["model"])) if known else self._unknown(request)

        return handle

    def unknown(self, request: Request) -> Reply:
        return self.dialect.errors.error("not_found", f"Invalid URL ({request.method} {request.path})")

    def _unknown(self, request: Request) -> Reply:
        return self.dialect.errors.error("not_found", f"The model '{request.params['model']}' does not exist")

    def _refusal(self, request: Request) -> Reply | None:
        given = self.dialect.credential(request)
        if given == self.key:
            return None
        return self._failing("no_key" if given is None and self.dialect.name == "gemini" else "bad_key")(request)

    def _failing(self, kind: str) -> Callable[[Request], Reply]:
        def fail(request: Request) -> Reply:
            error = array_error if self._wants_array(request) else self.dialect.errors.error
            return error(kind)

        return fail

    def _check(self, request: Request) -> list[str]:
        if not self.validate:
            return []
        problems = self.dialect.check_request(request.json, request.headers, request.path, **self.rules)
        self.problems.extend(problems)
        return problems

    def _bad(self, request: Request, problems: list[str]) -> Reply:
        error = array_error if self._wants_array(request) else self.dialect.errors.error
        return error("bad_request", "; ".join(problems))

    def _embed(self, request: Request) -> Reply:
        gemini = self.dialect.name == "gemini"
        problems = embeddings.gemini_problems(request) if gemini else embeddings.openai_problems(request)
        if problems:
            self.problems.extend(problems)
            return self._bad(request, problems)
        answer = embeddings.gemini_answer if gemini else embeddings.openai_answer
        return self._whole(answer(request, counts=self.counts_embeddings))

    async def _generate(self, request: Request) -> Reply:
        problems = self._check(request)
        if problems:
            return self._bad(request, problems)
        if self._next:
            answer = self._next.popleft()
            if not callable(answer):
                return answer
            result = answer(request)
            return await result if inspect.isawaitable(result) else result
        reply = self.rendered(request, stream=self.dialect.streams(request))
        return reply if self.distort is None else self.distort(reply)

    def rendered(self, request: Request, *, stream: bool, **fields: Any) -> Reply:
        """The answer to a request (with ``fields`` in its body), streamed or whole, whatever the request asks for."""
        body = {**request.json, **fields}
        scenario = self.scenario_for(request, body)
        if not stream:
            return self._whole(self.dialect.answers.unary(scenario, body))
        if self._wants_array(request):
            return self._stream(request, array(scenario, body))
        return self._stream(request, self.dialect.answers.stream(scenario, body))

    def scenario_for(self, request: Request, body: Json) -> Scenario:
        """The answer that this request gets, with the model filled in."""
        model = self.dialect.model_of(request)
        if isinstance(self.scenario, Scenario):
            return self.scenario.asked(model)
        if self.scenario is not None:
            return self.scenario(request, body).asked(model)
        tools = self.dialect.tools(body)
        if not tools or self.dialect.has_result(body) or self.dialect.forbids_tools(body):
            return say("Hello from the scripted vendor.").asked(model)
        name, schema = tools[0]
        arguments = json.dumps(example(schema) if schema else {})
        called = ToolCall(self.dialect.call_prefix + derived(request.body.decode("utf-8", "replace")), name, arguments)
        return Scenario(parts=(called,), finish="tool_calls").asked(model)

    def _whole(self, body: bytes) -> Unary:
        return Unary(body, headers=self.dialect.headers)

    def _stream(self, request: Request, chunks: list[bytes]) -> Stream:
        kind = "application/json" if self._wants_array(request) else "text/event-stream; charset=utf-8"
        return Stream(chunks, headers=[("content-type", kind), *self.dialect.headers], delay=self.delay)

    def _wants_array(self, request: Request) -> bool:
        gemini = self.dialect.name == "gemini" and self.dialect.streams(request)
        return gemini and request.query.get("alt") != "sse"
