"""What each example has to show: one row for each, and none without an example."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from tests.examples.scripted import MODELS

HELLO: Final = ("user: Hello",)
CALLED: Final = (
    "user: What is the weather in Paris?",
    'call: get_weather {"city": "Paris"}',
    "result: 18 degrees in Paris",
)
PICTURE: Final = ("user: What is in this picture?", "user: image image/png, 96 characters")


@dataclass(frozen=True)
class Expected:
    """One example: what its provider gets to read, and what it prints."""

    lines: tuple[str, ...] = ()
    """The conversation in the last request (see ``conversation``). The answer to its last line has to be printed."""
    shows: tuple[str, ...] = ()
    """Patterns of the output."""
    demo: tuple[str, ...] = ()
    """Patterns of the output where the demo answers."""
    vendor: tuple[str, ...] = ()
    """Patterns of the output where a scripted vendor answers."""
    requests: int = 1
    """How often a provider is asked for an answer."""
    together: bool = False
    """All requests are there before one is answered."""
    stream: bool = False
    """The last answer is streamed."""
    tools: tuple[str, ...] = ()
    """The tools offered."""
    schema: bool = False
    """The answer has to follow a JSON schema: a person with name and age."""
    statuses: tuple[int, ...] = (200,)
    """The statuses of the gateway's answers."""

    @property
    def repeated(self) -> str | None:
        """The line that the answer has to repeat; None where it has another form, or there is no answer."""
        called = self.tools and not self.lines[-1].startswith("result: ")
        return None if self.schema or called or not self.lines or 200 not in self.statuses else self.lines[-1]


def local(*shows: str, demo: tuple[str, ...] = (), vendor: tuple[str, ...] = (), status: int = 200) -> Expected:
    """An example that asks no configured provider for an answer."""
    return Expected(shows=shows, demo=demo, vendor=vendor, requests=0, statuses=(status,))


CHAT: Final = (r'"object": ?"chat.completion"', r'"finish_reason": ?"stop"')
CHAT_STREAM: Final = (r'"object": ?"chat.completion.chunk"', r"data: \[DONE\]\n+\Z")
RESPONSE: Final = (r'"object": ?"response"', r'"status": ?"completed"')
MESSAGE: Final = (r'"type": ?"message"', r'"stop_reason": ?"end_turn"')
CONTENT: Final = (r'"finishReason": ?"STOP"', r'"totalTokenCount": ?[0-9]+')

LOOP: Final = Expected(
    CALLED,
    requests=2,
    tools=("get_weather",),
    shows=(r"calls get_weather (\{\"city\": ?\"Paris\"\}|\{'city': 'Paris'\})",),
)
PYDANTIC: Final = Expected(
    ("user: Invent a person.",),
    schema=True,
    demo=(r"Person\(name='\w+', age=\d+\)",),
    vendor=(r"Person\(name='Grace', age=37\)",),
)
JSON: Final = Expected(
    ("user: Invent a person.",), schema=True, demo=(r"^\w+ is \d+\.$",), vendor=(r"^Grace is 37\.$",)
)
TOGETHER: Final = Expected(
    requests=5,
    together=True,
    demo=tuple(f"You said: “Number {number}”" for number in range(1, 6)),
    vendor=tuple(f"The vendor heard: user: Number {number}" for number in range(1, 6)),
)
BOTH_WAYS: Final = Expected(
    ("user: Hello again",), requests=2, stream=True, demo=("You said: “Hello”",), vendor=(r"heard: user: Hello\.",)
)
WRONG_KEY: Final = local("^401 invalid_api_key$", status=401)
RATE_LIMIT: Final = Expected(
    ("user: Hello [[status=429]]",),
    demo=("^429: try again in 1 seconds$",),
    vendor=("^429: try again in 20 seconds$",),
    statuses=(429,),
)
ENDED: Final = Expected(HELLO, stream=True, shows=(r"\nended with end_turn$",))
ONE: Final = Expected(HELLO)
FALLBACK: Final = Expected(HELLO, demo=(r"claude-custom: 503\n", r"\ndemo: "), statuses=(200, 503))
STREAMED: Final = Expected(HELLO, stream=True)
DEMO: Final = (r"^x-codenex-provider: demo\r?$", "You said: “Hello”")

EXPECTED: Final[dict[str, Expected]] = {
    "readme-chat": Expected(HELLO, CHAT),
    "readme-claude": Expected(HELLO, MESSAGE),
    "readme-gemini": Expected(HELLO, CONTENT),
    "curl-health": local(r'^\{"status":"ok"\}$'),
    "curl-models": local(r'"object":"list"', r'"object":"model"', demo=('"id":"demo"',), vendor=MODELS),
    "curl-models-claude": local(r'"type":"model"', r'"has_more":false', demo=('"id":"demo"',), vendor=MODELS),
    "curl-models-gemini": local(r'"generateContent"', demo=('"name":"models/demo"',), vendor=MODELS),
    "curl-chat": Expected(HELLO, CHAT),
    "curl-chat-stream": Expected(HELLO, CHAT_STREAM, stream=True),
    "curl-turns": Expected(
        (
            "system: Answer briefly.",
            "user: My name is Ada.",
            "assistant: Hello, Ada.",
            "user: What is my name?",
        ),
        CHAT,
    ),
    "curl-tools": Expected(
        ("user: What is the weather in Paris?",),
        (
            r'"finish_reason": ?"tool_calls"',
            r'"name": ?"get_weather"',
            r'"arguments": ?"\{\\"city\\": ?\\"Paris\\"\}"',
        ),
        tools=("get_weather",),
    ),
    "curl-tool-result": Expected((*CALLED[:2], "result: 18 degrees, sunny"), CHAT, tools=("get_weather",)),
    "curl-picture": Expected(PICTURE, CHAT),
    "curl-picture-address": Expected(
        ("user: What is in this picture?", "user: image https://example.com/cat.png"), CHAT
    ),
    "curl-schema": Expected(
        ("user: Invent a person.",),
        CHAT,
        schema=True,
        demo=(r'"content": ?"\{\\"name\\": ?\\"\w+\\", ?\\"age\\": ?\d+\}"',),
        vendor=(r'"content": ?"\{\\"name\\": ?\\"Grace\\", ?\\"age\\": ?37\}"',),
    ),
    "curl-responses": Expected(HELLO, RESPONSE),
    "curl-claude": Expected(HELLO, MESSAGE),
    "curl-claude-stream": Expected(HELLO, (r"^event: message_start$", r"^event: message_stop$"), stream=True),
    "curl-gemini": Expected(HELLO, CONTENT),
    "curl-gemini-stream": Expected(HELLO, CONTENT, stream=True),
    "curl-provider-by-path": local(*DEMO, *MESSAGE),
    "curl-provider-by-header": local(*DEMO, *CHAT),
    "curl-fallback": Expected(HELLO, CHAT, statuses=(200, 503)),
    "operations-metrics": local("^codenex_build_info"),
    "operations-health": local('^{"status":"ok"}{"status":"ok"}'),
    "operations-accounts": local(r"^\{"),
    "python-chat": ONE,
    "python-chat-stream": STREAMED,
    "python-tools": LOOP,
    "python-picture": Expected(PICTURE),
    "python-schema": PYDANTIC,
    "python-concurrent": TOGETHER,
    "python-responses": BOTH_WAYS,
    "python-wrong-key": WRONG_KEY,
    "python-rate-limit": RATE_LIMIT,
    "python-fallback": FALLBACK,
    "python-anthropic": ONE,
    "python-anthropic-stream": ENDED,
    "python-anthropic-tools": LOOP,
    "python-anthropic-async": ONE,
    "python-google": ONE,
    "python-google-stream": STREAMED,
    "python-google-tools": Expected(CALLED, ("^called with Paris$",), requests=2, tools=("get_weather",)),
    "python-google-schema": PYDANTIC,
    "python-google-async": ONE,
    "node-chat": ONE,
    "node-chat-stream": STREAMED,
    "node-tools": LOOP,
    "node-picture": Expected(PICTURE),
    "node-schema": JSON,
    "node-concurrent": TOGETHER,
    "node-responses": BOTH_WAYS,
    "node-wrong-key": WRONG_KEY,
    "node-rate-limit": RATE_LIMIT,
    "node-fallback": FALLBACK,
    "node-anthropic": ONE,
    "node-anthropic-stream": ENDED,
    "node-anthropic-tools": LOOP,
    "node-google": ONE,
    "node-google-stream": STREAMED,
    "node-google-tools": LOOP,
    "node-google-schema": JSON,
}
