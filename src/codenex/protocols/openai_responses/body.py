"""The Response object for a client: about thirty fields, most of them an echo of the request."""

from __future__ import annotations

from typing import Any

from codenex.core.render import RenderContext
from codenex.core.request import OutputFormat
from codenex.protocols.openai_responses.types import SERVICE_TIERS

#: Fields that a tool must have for strict clients, where the client left them out.
_TOOL_FIELDS: dict[str, dict[str, Any]] = {
    "function": {"description": None, "parameters": None, "strict": None},
    "custom": {"description": None, "format": {"type": "text"}},
}


def response_body(
    context: RenderContext,
    status: str,
    output: list[dict[str, Any]],
    *,
    usage: dict[str, Any] | None = None,
    error: dict[str, Any] | None = None,
    reason: str | None = None,
    service_tier: str | None = None,
) -> dict[str, Any]:
    """Build the object. Every field is there, because strict clients fail on minimal ones."""
    echo = context.echo if context.echo is not None else _echo_of(context)

    def sent(name: str, default: Any = None) -> Any:
        value = echo.get(name)
        return default if value is None else value

    reasoning, text = sent("reasoning", {}), sent("text", {})
    return {
        "id": response_id(context),
        "object": "response",
        "created_at": context.created,
        "completed_at": context.created if status == "completed" else None,
        "status": status,
        "background": sent("background", False),
        "error": error,
        "incomplete_details": {"reason": reason} if reason is not None else None,
        "instructions": sent("instructions"),
        "max_output_tokens": sent("max_output_tokens"),
        "max_tool_calls": sent("max_tool_calls"),
        "model": context.requested_model,
        "output": output,
        "parallel_tool_calls": sent("parallel_tool_calls", True),
        "previous_response_id": sent("previous_response_id"),
        "conversation": _conversation(sent("conversation")),
        "prompt": sent("prompt"),
        "prompt_cache_key": sent("prompt_cache_key"),
        "prompt_cache_retention": sent("prompt_cache_retention"),
        "reasoning": {"effort": None, "summary": None, **(reasoning if isinstance(reasoning, dict) else {})},
        "safety_identifier": sent("safety_identifier"),
        "service_tier": service_tier if service_tier in SERVICE_TIERS else sent("service_tier", "default"),
        "store": context.stored and status != "failed",
        "temperature": sent("temperature", 1.0),
        "text": {"format": {"type": "text"}, **_filled(text)},
        "tool_choice": sent("tool_choice", "auto"),
        "tools": [_tool(tool) for tool in sent("tools", [])],
        "top_logprobs": sent("top_logprobs", 0),
        "top_p": sent("top_p", 1.0),
        "presence_penalty": 0.0,
        "frequency_penalty": 0.0,
        "truncation": sent("truncation", "disabled"),
        "usage": usage,
        "user": sent("user"),
        "metadata": sent("metadata", {}),
    }


def response_id(context: RenderContext) -> str:
    """Return the id of the answer."""
    return f"resp_{context.id}"


def _filled(value: Any) -> dict[str, Any]:
    return {key: item for key, item in value.items() if item is not None} if isinstance(value, dict) else {}


def _conversation(value: Any) -> Any:
    return {"id": value} if isinstance(value, str) else value


def _tool(tool: Any) -> Any:
    if not isinstance(tool, dict):
        return tool
    missing = _TOOL_FIELDS.get(str(tool.get("type")))
    return (
        {**tool, **{key: value for key, value in missing.items() if key not in tool}} if missing is not None else tool
    )


def _echo_of(context: RenderContext) -> dict[str, Any]:
    """Return what can be said of a request whose own fields are not at hand."""
    request = context.request
    if request is None:
        return {}
    options = request.reasoning
    return {
        "max_output_tokens": request.max_output_tokens,
        "parallel_tool_calls": request.parallel_tool_calls,
        "temperature": request.sampling.temperature,
        "top_p": request.sampling.top_p,
        "top_logprobs": request.sampling.top_logprobs,
        "metadata": request.metadata,
        "service_tier": request.service_tier,
        "safety_identifier": request.end_user,
        "prompt_cache_key": request.cache_key,
        "reasoning": {"effort": options.effort, "summary": options.summary} if options is not None else None,
        "text": {"format": _format(request.output), "verbosity": request.verbosity},
    }


def _format(output: OutputFormat | None) -> dict[str, Any]:
    if output is None or output.kind != "json_schema":
        return {"type": output.kind if output is not None else "text"}
    return {
        "type": "json_schema",
        "name": output.name if output.name is not None else "response",
        "description": output.description,
        "schema": output.schema,
        "strict": output.strict,
    }
