"""Whether everything that a client said has reached the upstream, or is told as a loss: found without the gateway.

Texts, names and data of the source have to be somewhere in what was sent; options have to have one of their twins
there (``OPTIONS``). What is missing must be named by a loss.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from tests.replay.options import AS_GIVEN, HARMLESS, HOLDERS, NO_OPTION, OPTIONS, SHOWN_ANYWAY, TWINS
from tests.support.vendors.checks import words
from tests.support.vendors.dialects import ProtocolName
from tests.support.vendors.gemini.rules import camel

from codenex.core.losses import Loss

SPOKEN: Final = words(
    "text content instructions system input output description thinking data image_url url file_uri fileUri name"
)
"""Keys whose strings are the client's own words or data."""
WORDS: Final = frozenset({"arguments", "args", "response", "output"})
"""Keys whose whole content, parsed where it is JSON text, is the client's or the model's own."""
HOSTED_CALLS: Final = words(
    "web_search_call file_search_call code_interpreter_call image_generation_call mcp_call mcp_list_tools"
)
CONTAINERS: Final = words("content text messages input contents parts system instructions tool_calls tool_result")
"""Words of losses that name no kind of thing: they hold everything."""
SYNONYMS: Final[Mapping[str, str]] = {"citations": "(?:citations|annotations)"}
REASONING: Final = "(reasoning)"
"""Mark of places that hold a model's thinking."""
NOT_FOR_OTHERS: Final = "x-anthropic-billing-header:"
"""Claude Code's word to Anthropic, which changes with each request and would spoil anybody else's cache."""
NOT_SPOKEN: Final = words("metadata client_metadata encrypted_content signature caller $schema format response_format")
"""Keys whose content is nobody's words; what ``format`` asks for is an option."""


def missing(
    source_protocol: ProtocolName,
    source: Mapping[str, Any],
    target_protocol: ProtocolName,
    sent: Mapping[str, Any],
    losses: tuple[Loss, ...],
) -> list[str]:
    """What is neither in ``sent`` nor told: places and values, in order."""
    if source_protocol == "gemini":
        source = camel(source)  # type: ignore[assignment]
    told = [loss.path for loss in losses]
    haystack = "\0".join(map(_plain, _strings(sent)))
    found: list[str] = []
    for where, text in _spoken(_without_hosted_names(source), ""):
        if text.startswith(NOT_FOR_OTHERS) and source_protocol != target_protocol:
            continue
        if text.strip() and _plain(text.strip()) not in haystack and not _is_told(where, told):
            found.append(f"{where}: {text[:80]!r}")
    found += _missing_options(source_protocol, source, target_protocol, sent, told)
    return found


def _without_hosted_names(source: Mapping[str, Any]) -> Mapping[str, Any]:
    """The request without the fixed names of tools that a vendor runs."""
    tools = source.get("tools")
    if not isinstance(tools, list):
        return source
    own = ("function", "custom", "namespace", None)
    hosted = [isinstance(tool, dict) and tool.get("type") not in own for tool in tools]
    return {**source, "tools": [{} if named else tool for tool, named in zip(tools, hosted, strict=True)]}


def _strings(value: Any) -> Iterator[str]:
    """All strings of a body, with the insides of JSON texts."""
    if isinstance(value, str):
        yield value
        if value[:1] in "{[":
            try:
                yield from _strings(json.loads(value))
            except ValueError:
                pass
    elif isinstance(value, list):
        for member in value:
            yield from _strings(member)
    elif isinstance(value, dict):
        for key, member in value.items():
            yield key
            yield from _strings(member)


def _plain(text: str) -> str:
    """A text in which the two alphabets of base64 look the same, and one without padding as well."""
    return text.replace("-", "+").replace("_", "/").rstrip("=") if len(text) > 40 and " " not in text else text


def _spoken(value: Any, where: str, key: str = "") -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        if key in SPOKEN and key not in WORDS and not _is_json(value):
            yield where, value.rpartition(";base64,")[2]
        elif key in SPOKEN or key in WORDS:
            yield from ((where, text) for text in _words(value))
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _spoken(member, f"{where}[{number}]", key)
    elif isinstance(value, dict):
        for name, member in value.items():
            at = f"{where}.{name}" if where else name
            if name in ("thinking", "summary", "reasoning_details") or value.get("thought") is True:
                at += REASONING
            if value.get("type") == "reasoning":
                at += REASONING
            if name == "type" or _is_the_vendors(value):
                at += f"({value.get('type')})"
            if name in WORDS and not isinstance(member, str | list):
                yield from ((at, text) for text in _words(member))
            elif name not in NOT_SPOKEN:
                yield from _spoken(member, at, name)


def _is_part(where: str, path: str) -> bool:
    """Whether a loss such as ``messages[1].citations`` names a kind of thing that the place belongs to."""
    turn, _, kind = path.rpartition(".")
    kind = SYNONYMS.get(kind.partition("[")[0], kind.partition("[")[0])
    same_turn = not turn or turn.partition("[")[0] in ("messages", "input", "contents")
    return same_turn and kind not in CONTAINERS and re.search(rf"\.{kind}\b", where) is not None


def _is_the_vendors(value: Mapping[str, Any]) -> bool:
    """Whether an item or block belongs to a tool that the vendor runs."""
    kind = str(value.get("type"))
    return (
        kind == "server_tool_use" or (kind.endswith("_tool_result") and kind != "tool_result") or kind in HOSTED_CALLS
    )


def _is_json(text: str) -> bool:
    try:
        return text[:1] in "{[" and isinstance(json.loads(text), dict | list)
    except ValueError:
        return False


def _words(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        try:
            inner = json.loads(value)
        except ValueError:
            inner = value
        if isinstance(inner, str):
            yield inner
        else:
            yield from _words(inner)
    elif isinstance(value, list):
        for member in value:
            yield from _words(member)
    elif isinstance(value, dict):
        for member in value.values():
            yield from _words(member)


def _is_told(where: str, told: list[str]) -> bool:
    """Whether a loss names the place, what holds it, or (of thinking) that thinking was left out."""
    if REASONING in where and any("reasoning" in path for path in told):
        return True
    kind = re.search(r"\((\w+)\)", where)
    if kind is not None and any(kind[1] in path for path in told):
        return True
    if any(_is_part(where, path) for path in told):
        return True
    if where.startswith("tools["):
        return any(path.partition(".")[0] == where.partition(".")[0] for path in told)
    return any(where == path or where.startswith((f"{path}.", f"{path}[")) for path in told)


def _missing_options(
    source_protocol: ProtocolName,
    source: Mapping[str, Any],
    target_protocol: ProtocolName,
    sent: Mapping[str, Any],
    told: list[str],
) -> list[str]:
    found: list[str] = []
    given = dict(_flat(source, source_protocol))
    arrived = dict(_flat(sent, target_protocol))
    for name, value in given.items():
        meaning = OPTIONS[source_protocol].get(name)
        if value is None or value in ([], {}) or (name, value) in HARMLESS[source_protocol] or meaning == NO_OPTION:
            continue
        if source_protocol == target_protocol and name in arrived:
            continue
        if meaning == "show" and target_protocol in SHOWN_ANYWAY:
            continue
        if meaning == "effort" and _does_not_think(source):
            continue
        twins = TWINS[target_protocol].get(meaning, ()) if meaning is not None else ()
        values = [arrived[twin] for twin in twins if arrived.get(twin) is not None]
        kept = bool(values) and (meaning not in AS_GIVEN or _listed(value) in map(_listed, values))
        if not kept and not _option_told(name, meaning, told):
            found.append(f"{name} = {str(value)[:60]}")
    return found


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _does_not_think(source: Mapping[str, Any]) -> bool:
    """Anthropic's switch is off, so that its effort says nothing to models whose effort is one of thinking."""
    thinking = source.get("thinking")
    return isinstance(thinking, dict) and thinking.get("type") == "disabled"


def _flat(body: Mapping[str, Any], protocol: ProtocolName) -> Iterator[tuple[str, Any]]:
    """Top-level fields, and the members of those that only hold other options, by dotted names."""
    for name, value in body.items():
        if name in HOLDERS[protocol] and isinstance(value, dict):
            for inner, member in value.items():
                if f"{name}.{inner}" in HOLDERS[protocol] and isinstance(member, dict):
                    yield from ((f"{name}.{inner}.{deep}", last) for deep, last in member.items())
                else:
                    yield f"{name}.{inner}", member
        else:
            yield name, value


def _option_told(name: str, meaning: str | None, told: list[str]) -> bool:
    """Whether a loss names the option, in its own words or those of another protocol."""
    words = {name, name.rpartition(".")[2], name.partition(".")[0] if not name.startswith("generationConfig") else name}
    for options in OPTIONS.values():
        words |= {twin for twin, own in options.items() if own == meaning and meaning is not None}
    if meaning in ("effort", "show"):
        words.add("reasoning")
    if "generationConfig" in told and name.startswith("generationConfig."):
        return True
    return any(path in words or path.startswith(tuple(f"{word}." for word in words)) for path in told)
