"""What Gemini refuses in a generateContent, streamGenerateContent or countTokens request.

Only the camelCase spelling is taken unless ``snake_case`` is set: the vendor bears both, and Google's own clients mix
them, but a gateway that translates has no reason to send the other one.
The schema dialect is in ``schemas``, the conversation in ``turns``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from tests.support.http import Headers
from tests.support.vendors.checks import Problems, words
from tests.support.vendors.gemini.schemas import check_schema
from tests.support.vendors.gemini.turns import check_contents, check_parts

TOP_LEVEL: Final = words(
    """
    contents systemInstruction tools toolConfig safetySettings generationConfig cachedContent model store
    serviceTier continuationToken
    """
)
GENERATION: Final = words(
    """
    candidateCount stopSequences maxOutputTokens temperature topP topK seed presencePenalty frequencyPenalty
    responseMimeType responseSchema responseJsonSchema responseLogprobs logprobs responseModalities speechConfig
    imageConfig thinkingConfig mediaResolution enableEnhancedCivicAnswers responseFormat
    """
)
TOOLS: Final = words("functionDeclarations googleSearch googleSearchRetrieval codeExecution urlContext computerUse")
GEMINI_API_TOOLS: Final = ("fileSearch", "googleMaps", "mcpServers")
DECLARATION: Final = words("name description parameters parametersJsonSchema response responseJsonSchema behavior")
FUNCTION_NAME: Final = re.compile(r"[a-zA-Z_][a-zA-Z0-9_.:-]{0,127}")
HARMS: Final = tuple(
    f"HARM_CATEGORY_{name}"
    for name in ("HARASSMENT", "HATE_SPEECH", "SEXUALLY_EXPLICIT", "DANGEROUS_CONTENT", "CIVIC_INTEGRITY")
)
LEVELS: Final = ("minimal", "low", "medium", "high", "xhigh")


VERBATIM: Final = frozenset({"args", "response", "properties", "parametersJsonSchema", "responseJsonSchema", "labels"})
"""Keys whose values are the caller's own data, whatever they are called in it."""


def camel(value: object, *, verbatim: bool = False) -> object:
    """The same with camelCase keys, the caller's own data untouched."""
    if isinstance(value, list):
        return [camel(member, verbatim=verbatim) for member in value]
    if not isinstance(value, dict) or verbatim:
        return value
    renamed = {re.sub(r"_([a-z])", lambda found: found[1].upper(), key): member for key, member in value.items()}
    return {key: camel(member, verbatim=key in VERBATIM) for key, member in renamed.items()}


def model_of(path: str) -> str:
    """The model in ``…/models/{model}:method``."""
    found = re.search(r"models/([^/:]+):", path)
    return "" if found is None else found.group(1)


def check_request(
    body: object,
    headers: Headers | Mapping[str, str] | None = None,
    path: str = "",
    *,
    snake_case: bool = False,
    call_ids: bool = False,
) -> list[str]:
    """The reasons for which the vendor answers 400; none for a good request. The path names model and method.

    ``call_ids`` lets models of the second generation take ids of function calls.
    """
    problems = Problems()
    request = problems.record("body", camel(body) if snake_case else body)
    if problems:
        return problems
    if path.endswith(":countTokens"):
        problems.unknown("body", request, ("contents", "generateContentRequest"))
        if (inner := request.get("generateContentRequest")) is None:
            # A part of a conversation may be counted by itself, so that nothing has to be paired.
            for number, content in enumerate(problems.listing("contents", request.get("contents"))):
                check_parts(problems, f"contents[{number}]", problems.record(f"contents[{number}]", content))
            return problems
        request = problems.record("generateContentRequest", inner)
        named = request.get("model") == f"models/{model_of(path)}"
        problems.require(named, "generateContentRequest.model: must name the model of the path")
    problems.unknown("body", request, TOP_LEVEL)
    model = model_of(path)
    check_contents(problems, request.get("contents"), model, call_ids=call_ids)
    if request.get("systemInstruction") is not None:
        content = problems.record("systemInstruction", request["systemInstruction"])
        problems.unknown("systemInstruction", content, ("role", "parts"))
        for number, part in enumerate(check_parts(problems, "systemInstruction", content)):
            problems.require("text" in part, f"systemInstruction.parts[{number}]: only text is allowed")
    _check_tools(problems, request, model)
    _check_generation(problems, problems.record("generationConfig", request.get("generationConfig") or {}))
    for number, value in enumerate(problems.optional("safetySettings", request.get("safetySettings"))):
        setting = problems.record(f"safetySettings[{number}]", value)
        problems.unknown(f"safetySettings[{number}]", setting, ("category", "threshold"))
        problems.one_of(f"safetySettings[{number}].category", setting.get("category"), HARMS)
    return problems


def _check_tools(problems: Problems, request: dict[str, Any], model: str) -> None:
    names: list[object] = []
    hosted: list[str] = []
    for number, value in enumerate(problems.optional("tools", request.get("tools"))):
        where = f"tools[{number}]"
        tool = problems.record(where, value)
        problems.require(bool(tool), f"{where}: must not be empty")
        problems.unknown(where, tool, (*TOOLS, *GEMINI_API_TOOLS))
        hosted.extend(key for key in tool if key != "functionDeclarations")
        if "functionDeclarations" in tool:
            declared = problems.listing(f"{where}.functionDeclarations", tool["functionDeclarations"])
            for index, declaration in enumerate(declared):
                names.append(_check_declaration(problems, f"{where}.functionDeclarations[{index}]", declaration))
    problems.require(len(names) == len(set(map(str, names))), "tools: duplicate function declaration")
    config = problems.record("toolConfig", request.get("toolConfig") or {})
    known = ("functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations")
    problems.unknown("toolConfig", config, known)
    mixed = bool(names) and bool(hosted)
    circulating = config.get("includeServerSideToolInvocations") is True and re.match(r"gemini-[12]\b", model) is None
    problems.require(not mixed or circulating, "tools: built-in tools and function calling can't be combined")
    _check_calling(problems, config, names)


def _check_declaration(problems: Problems, where: str, value: object) -> object:
    declaration = problems.record(where, value)
    problems.unknown(where, declaration, DECLARATION)
    name = declaration.get("name")
    fits = isinstance(name, str) and FUNCTION_NAME.fullmatch(name) is not None
    problems.require(fits, f"{where}.name: invalid function name {name!r}")
    both = "parameters" in declaration and "parametersJsonSchema" in declaration
    problems.require(not both, f"{where}: 'parameters' and 'parametersJsonSchema' are mutually exclusive")
    if "parameters" in declaration:
        schema = problems.record(f"{where}.parameters", declaration["parameters"])
        check_schema(problems, f"{where}.parameters", schema)
        # An object without properties has to be left out altogether.
        empty = str(schema.get("type")).upper() == "OBJECT" and schema.get("properties") is None
        problems.require(not empty, f"{where}.parameters.properties: should be non-empty for OBJECT type")
    if "parametersJsonSchema" in declaration:
        problems.record(f"{where}.parametersJsonSchema", declaration["parametersJsonSchema"])
    return name


def _check_calling(problems: Problems, config: dict[str, Any], names: list[object]) -> None:
    calling = problems.record("functionCallingConfig", config.get("functionCallingConfig") or {})
    problems.unknown("functionCallingConfig", calling, ("mode", "allowedFunctionNames"))
    mode = str(calling.get("mode", "AUTO")).upper()
    if calling.get("mode") is not None:
        problems.one_of("functionCallingConfig.mode", mode, ("MODE_UNSPECIFIED", "AUTO", "ANY", "NONE", "VALIDATED"))
    forced = mode == "ANY" and not names
    problems.require(not forced, "functionCallingConfig: mode ANY needs function declarations")
    allowed = calling.get("allowedFunctionNames")
    if allowed is not None:
        fits = mode in ("ANY", "VALIDATED")
        problems.require(fits, "functionCallingConfig.allowedFunctionNames: only with mode ANY or VALIDATED")
        unknown = [name for name in problems.optional("allowedFunctionNames", allowed) if name not in names]
        problems.require(not unknown, f"functionCallingConfig.allowedFunctionNames: not declared: {unknown}")


def _check_generation(problems: Problems, config: dict[str, Any]) -> None:
    problems.unknown("generationConfig", config, GENERATION)
    problems.number("generationConfig.temperature", config.get("temperature"), 0, 2)
    problems.number("generationConfig.topP", config.get("topP"), 0, 1)
    problems.number("generationConfig.topK", config.get("topK"), 1)
    problems.number("generationConfig.maxOutputTokens", config.get("maxOutputTokens"), 1, whole=True)
    problems.number("generationConfig.candidateCount", config.get("candidateCount"), 1, 8, whole=True)
    problems.require(
        len(problems.optional("generationConfig.stopSequences", config.get("stopSequences"))) <= 5,
        "generationConfig.stopSequences: more than five",
    )
    schemas = [key for key in ("responseSchema", "responseJsonSchema") if config.get(key) is not None]
    problems.require(len(schemas) < 2, "generationConfig: responseSchema and responseJsonSchema are exclusive")
    if schemas:
        told = f"generationConfig.{schemas[0]}: needs responseMimeType application/json"
        problems.require(config.get("responseMimeType") in ("application/json", "text/x.enum"), told)
    if config.get("responseSchema") is not None:
        check_schema(problems, "generationConfig.responseSchema", config["responseSchema"], names=False)
    thinking = problems.record("generationConfig.thinkingConfig", config.get("thinkingConfig") or {})
    where = "generationConfig.thinkingConfig"
    problems.unknown(where, thinking, ("includeThoughts", "thinkingBudget", "thinkingLevel"))
    problems.boolean(f"{where}.includeThoughts", thinking.get("includeThoughts"))
    problems.number(f"{where}.thinkingBudget", thinking.get("thinkingBudget"), -1, whole=True)
    both = thinking.get("thinkingBudget") is not None and thinking.get("thinkingLevel") is not None
    problems.require(not both, f"{where}: thinkingBudget and thinkingLevel can't be set together")
    if thinking.get("thinkingLevel") is not None:
        problems.one_of(f"{where}.thinkingLevel", str(thinking["thinkingLevel"]).lower(), LEVELS)
