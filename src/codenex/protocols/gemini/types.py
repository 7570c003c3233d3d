"""Words and shapes of the Gemini API: field names of each message, the sentinel signature, the paths of its methods.

Field names after google-genai 3.4.0. Google's servers take every name in camelCase and in snake_case, and write
camelCase.
"""

from __future__ import annotations

from typing import Any

NAME = "gemini"
VENDOR = "gemini"

Object = dict[str, Any]

#: What Google takes in place of a thought signature that no model of its own has made (documented for Gemini 3).
SENTINEL = "skip_thought_signature_validator"

REQUEST_FIELDS = frozenset(
    {
        "model",
        "contents",
        "systemInstruction",
        "tools",
        "toolConfig",
        "generationConfig",
        "safetySettings",
        "cachedContent",
        "serviceTier",
        "store",
        "labels",
        "generateContentRequest",
    }
)

GENERATION_FIELDS = frozenset(
    {
        "audioTimestamp",
        "candidateCount",
        "enableAffectiveDialog",
        "enableEnhancedCivicAnswers",
        "frequencyPenalty",
        "imageConfig",
        "logprobs",
        "maxOutputTokens",
        "mediaResolution",
        "modelSelectionConfig",
        "presencePenalty",
        "responseFormat",
        "responseJsonSchema",
        "responseLogprobs",
        "responseMimeType",
        "responseModalities",
        "responseSchema",
        "routingConfig",
        "seed",
        "speechConfig",
        "stopSequences",
        "temperature",
        "thinkingConfig",
        "topK",
        "topP",
    }
)

THINKING_FIELDS = frozenset({"includeThoughts", "thinkingBudget", "thinkingLevel"})

CONTENT_FIELDS = frozenset({"role", "parts"})

#: The members of a part's union, of which exactly one is set.
PART_DATA = (
    "text",
    "functionCall",
    "functionResponse",
    "inlineData",
    "fileData",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
)
PART_FIELDS = frozenset(
    {*PART_DATA, "thought", "thoughtSignature", "videoMetadata", "mediaResolution", "partMetadata", "mediaProcessing"}
)
#: Members that Google's own tools fill.
SERVER_TOOL_PARTS = frozenset({"executableCode", "codeExecutionResult", "toolCall", "toolResponse"})

BLOB_FIELDS = frozenset({"data", "mimeType", "displayName"})
FILE_FIELDS = frozenset({"fileUri", "mimeType", "displayName"})
CALL_FIELDS = frozenset({"id", "name", "args", "partialArgs", "willContinue"})
RESULT_FIELDS = frozenset({"id", "name", "response", "parts", "willContinue", "scheduling"})

DECLARATION_FIELDS = frozenset(
    {"name", "description", "parameters", "parametersJsonSchema", "response", "responseJsonSchema", "behavior"}
)
TOOL_FIELDS = frozenset(
    {
        "functionDeclarations",
        "googleSearch",
        "googleSearchRetrieval",
        "enterpriseWebSearch",
        "codeExecution",
        "urlContext",
        "fileSearch",
        "googleMaps",
        "computerUse",
        "retrieval",
        "mcpServers",
        "parallelAiSearch",
        "exaAiSearch",
    }
)
TOOL_CONFIG_FIELDS = frozenset({"functionCallingConfig", "retrievalConfig", "includeServerSideToolInvocations"})
CALLING_FIELDS = frozenset({"mode", "allowedFunctionNames", "streamFunctionCallArguments"})

#: Tools that Google runs → what they are called in the hub.
HOSTED_CAPABILITIES: dict[str, str] = {
    "googleSearch": "web_search",
    "googleSearchRetrieval": "web_search",
    "enterpriseWebSearch": "web_search",
    "codeExecution": "code_execution",
    "urlContext": "web_fetch",
    "fileSearch": "file_search",
    "computerUse": "computer",
    "mcpServers": "mcp",
}
#: What the hub calls a hosted tool → the one that stands for it here.
HOSTED_TOOLS: dict[str, str] = {
    "web_search": "googleSearch",
    "code_execution": "codeExecution",
    "web_fetch": "urlContext",
}

CHUNK_FIELDS = frozenset(
    {
        "candidates",
        "promptFeedback",
        "usageMetadata",
        "modelVersion",
        "responseId",
        "createTime",
        "modelStatus",
        "response",
        "error",
    }
)
CANDIDATE_FIELDS = frozenset(
    {
        "content",
        "finishReason",
        "finishMessage",
        "index",
        "safetyRatings",
        "citationMetadata",
        "groundingMetadata",
        "urlContextMetadata",
        "logprobsResult",
        "avgLogprobs",
        "tokenCount",
        "continuationToken",
    }
)


def bare_model(name: str) -> str:
    """Return a model's name without the resource prefix ``models/`` (or a publisher's path)."""
    return name.rpartition("models/")[2] if "models/" in name else name


def method_path(model: str, method: str = "generateContent") -> str:
    """Return the path of a method of a model, below the version: ``/models/{model}:{method}``."""
    name = model if model.startswith("tunedModels/") else f"models/{bare_model(model)}"
    return f"/{name}:{method}"


def generate_path(model: str, stream: bool) -> str:
    """Return the path, with its query, that answers a request, whole or as server-sent events."""
    return method_path(model, "streamGenerateContent?alt=sse" if stream else "generateContent")
