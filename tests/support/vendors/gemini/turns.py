"""What Gemini refuses in a conversation: parts, the pairing of function calls and responses, thought signatures."""

from __future__ import annotations

import base64
import binascii
import re
from typing import Any, Final

from tests.support.vendors.checks import Problems, words
from tests.support.vendors.gemini.answers import WITHOUT_CALL_IDS

DATA: Final = words(
    """
    text inlineData fileData functionCall functionResponse executableCode codeExecutionResult toolCall toolResponse
    """
)
BESIDES: Final = words("thought thoughtSignature videoMetadata mediaResolution partMetadata")
SENTINELS: Final = ("skip_thought_signature_validator", "context_engineering_is_the_way_to_go")
"""Stand-ins that the vendor documents for calls made elsewhere."""
SIGNED_CALLS: Final = re.compile(r"gemini-[3-9]")


def check_contents(problems: Problems, contents: object, model: str, *, call_ids: bool) -> None:
    """All turns of the request. ``call_ids`` lets models of the second generation take ids of calls."""
    with_ids = call_ids or WITHOUT_CALL_IDS.match(model) is None
    calls: list[dict[str, Any]] = []
    before: str | None = None
    turns = problems.listing("contents", contents)
    current = _start_of_current_turn(turns)
    for number, value in enumerate(turns):
        where = f"contents[{number}]"
        content = problems.record(where, value)
        problems.unknown(where, content, ("role", "parts"))
        role = content.get("role", "user" if len(turns) == 1 else None)
        problems.one_of(f"{where}.role", role, ("user", "model", "function"))
        parts = check_parts(problems, where, content)
        _check_responses(problems, where, parts, calls, with_ids=with_ids)
        calls = [problems.record(where, part["functionCall"]) for part in parts if "functionCall" in part]
        if calls:
            _check_calls(problems, where, calls, role, before, with_ids=with_ids)
            if number >= current and SIGNED_CALLS.search(model):
                first = next(part for part in parts if "functionCall" in part)
                signed = bool(first.get("thoughtSignature"))
                problems.require(signed, f"{where}: function call is missing a thought_signature")
        before = role
    problems.require(not calls, "contents: function calls without function responses at the end")


def check_parts(problems: Problems, where: str, content: dict[str, Any]) -> list[dict[str, Any]]:
    """The parts of a content, each with exactly one kind of data."""
    parts = [
        problems.record(f"{where}.parts[{number}]", part)
        for number, part in enumerate(problems.listing(f"{where}.parts", content.get("parts")))
    ]
    for number, part in enumerate(parts):
        at = f"{where}.parts[{number}]"
        problems.unknown(at, part, (*DATA, *BESIDES))
        kinds = [key for key in DATA if key in part]
        problems.require(len(kinds) == 1, f"{at}: required oneof field 'data' must have one initialized field: {kinds}")
        if "text" in part:
            told = f"{at}.text: must not be empty without a thought signature"
            problems.text(f"{at}.text", part["text"], blank=True)
            problems.require(part["text"] != "" or "thoughtSignature" in part, told)
        if "inlineData" in part:
            _check_blob(problems, f"{at}.inlineData", part["inlineData"])
        if "fileData" in part:
            data = problems.record(f"{at}.fileData", part["fileData"])
            problems.unknown(f"{at}.fileData", data, ("mimeType", "fileUri", "displayName"))
            problems.text(f"{at}.fileData.fileUri", data.get("fileUri"))
        signature = part.get("thoughtSignature")
        if signature is not None and signature not in SENTINELS:
            problems.require(_is_base64(signature), f"{at}.thoughtSignature: Base64 decoding failed")
    return parts


def _is_base64(value: object) -> bool:
    text = str(value).rstrip("=").replace("-", "+").replace("_", "/")
    try:
        base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except binascii.Error:
        return False
    return isinstance(value, str) and bool(value)


def _check_blob(problems: Problems, where: str, value: object) -> None:
    blob = problems.record(where, value)
    problems.unknown(where, blob, ("mimeType", "data", "displayName"))
    problems.text(f"{where}.mimeType", blob.get("mimeType"))
    problems.require(_is_base64(blob.get("data")), f"{where}.data: Base64 decoding failed")


def _start_of_current_turn(turns: list[Any]) -> int:
    """Where the last turn begins that a user opened with something else than function responses."""
    for number in range(len(turns) - 1, -1, -1):
        turn = turns[number] if isinstance(turns[number], dict) else {}
        members = turn.get("parts")
        parts = [part for part in members if isinstance(part, dict)] if isinstance(members, list) else []
        if turn.get("role", "user") == "user" and not any("functionResponse" in part for part in parts):
            return number
    return 0


def _check_calls(
    problems: Problems, where: str, calls: list[dict[str, Any]], role: object, before: str | None, *, with_ids: bool
) -> None:
    problems.require(role == "model", f"{where}: function calls belong to the role 'model'")
    placed = before in ("user", "function")
    told = "function call turn comes immediately after a user turn or after a function response turn"
    problems.require(placed, f"{where}: please ensure that {told}")
    for call in calls:
        problems.unknown(f"{where}.functionCall", call, ("id", "name", "args"))
        problems.text(f"{where}.functionCall.name", call.get("name"))
        fits = call.get("args") is None or isinstance(call["args"], dict)
        problems.require(fits, f"{where}.functionCall.args: must be an object")
        _check_id(problems, f"{where}.functionCall", call, with_ids=with_ids)


def _check_responses(
    problems: Problems, where: str, parts: list[dict[str, Any]], calls: list[dict[str, Any]], *, with_ids: bool
) -> None:
    found = [problems.record(where, part["functionResponse"]) for part in parts if "functionResponse" in part]
    told = "the number of function response parts is equal to the number of function call parts"
    equal = len(found) == len(calls)
    problems.require(equal, f"{where}: please ensure that {told} ({len(found)} for {len(calls)})")
    for response in found:
        at = f"{where}.functionResponse"
        problems.unknown(at, response, ("id", "name", "response", "parts", "scheduling", "willContinue"))
        problems.text(f"{at}.name", response.get("name"))
        problems.require(isinstance(response.get("response"), dict), f"{at}.response: must be an object")
        _check_id(problems, at, response, with_ids=with_ids)
        if response.get("parts") is not None:
            problems.require(with_ids, f'{at}: Unknown name "parts" for this model')
    names = sorted(str(response.get("name")) for response in found)
    wanted = sorted(str(call.get("name")) for call in calls)
    problems.require(not equal or names == wanted, f"{where}: responses {names} don't name the calls {wanted}")
    ids = {str(call["id"]) for call in calls if call.get("id") is not None}
    given = {str(response["id"]) for response in found if response.get("id") is not None}
    problems.require(not ids or not given or given == ids, f"{where}: response ids {given} don't match {ids}")


def _check_id(problems: Problems, where: str, value: dict[str, Any], *, with_ids: bool) -> None:
    problems.require(with_ids or value.get("id") is None, f'{where}: Unknown name "id" for this model')
