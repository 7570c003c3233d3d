"""The closed forms that this protocol writes: leaves of answers and chunks. What others write stays open objects."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

#: Name of this protocol in requests, answers and opaque parts.
PROTOCOL = "openai-chat"

#: Who can read the signatures of this protocol.
VENDOR = "openai"

#: Stands before the text of a failed tool's result, since the protocol has no flag for it.
TOOL_ERROR = "[tool error] "


class FunctionBody(msgspec.Struct, omit_defaults=True):
    """``function`` of a call, whole or a fragment."""

    name: str | None = None
    arguments: str | None = None


class CustomBody(msgspec.Struct, omit_defaults=True):
    """``custom`` of a call, whole or a fragment."""

    name: str | None = None
    input: str | None = None


class CallEntry(msgspec.Struct, omit_defaults=True):
    """An entry of ``tool_calls``; ``index`` is there in chunks only."""

    index: int | None = None
    id: str | None = None
    type: Literal["function", "custom"] | None = None
    function: FunctionBody | None = None
    custom: CustomBody | None = None
    extra_content: dict[str, Any] | None = None


class Delta(msgspec.Struct, omit_defaults=True):
    """``delta`` of a chunk. ``content`` of the first one may have to be null, hence the unset marker."""

    role: Literal["assistant"] | None = None
    content: str | msgspec.UnsetType | None = msgspec.UNSET
    refusal: str | None = None
    reasoning_content: str | None = None
    reasoning_details: list[dict[str, Any]] | None = None
    tool_calls: list[CallEntry] | None = None
    function_call: FunctionBody | None = None
    annotations: list[dict[str, Any]] | None = None
    images: list[dict[str, Any]] | None = None
    audio: dict[str, Any] | None = None
