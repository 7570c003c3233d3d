"""Paths to operations: every spelling that clients use, and nothing by accident."""

import pytest

from codenex.core.errors import Fault
from codenex.gateway.routes import ANTHROPIC, CHAT, GEMINI, RESPONSES, Operation, matched, protocol_of


@pytest.mark.parametrize(
    ("path", "operation", "protocol"),
    [
        ("/v1/chat/completions", Operation.GENERATE, CHAT),
        ("/v1/chat/completions/", Operation.GENERATE, CHAT),
        ("//v1//chat/completions", Operation.GENERATE, CHAT),
        ("/chat/completions", Operation.GENERATE, CHAT),
        ("/v1/v1/messages", Operation.GENERATE, ANTHROPIC),
        ("/v1/messages", Operation.GENERATE, ANTHROPIC),
        ("/v1/messages/count_tokens", Operation.COUNT, ANTHROPIC),
        ("/v1/responses", Operation.GENERATE, RESPONSES),
        ("/v1/responses/input_tokens", Operation.COUNT, RESPONSES),
        ("/v1/responses/resp_1", Operation.STORED_RESPONSE, RESPONSES),
        ("/v1/responses/resp_1/input_items", Operation.STORED_RESPONSE, RESPONSES),
        ("/v1/models", Operation.MODELS, CHAT),
        ("/v1beta/models", Operation.MODELS, GEMINI),
        ("/v1/models/gpt-4o", Operation.MODEL, CHAT),
        ("/v1/models/meta/llama-3:8b", Operation.MODEL, CHAT),
        ("/v1beta/models/gemini-2.5-pro", Operation.MODEL, GEMINI),
        ("/v1beta/models/gemini-2.5-pro:generateContent", Operation.GENERATE, GEMINI),
        ("/v1/models/gemini-2.5-pro:generateContent", Operation.GENERATE, GEMINI),
        ("/models/gemini-2.5-pro%3AgenerateContent", Operation.GENERATE, GEMINI),
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent", Operation.GENERATE, GEMINI),
        ("/v1beta/models/gemini-2.5-pro:countTokens", Operation.COUNT, GEMINI),
        ("/v1/embeddings", Operation.EMBED, CHAT),
        ("/v1beta/models/gemini-embedding-001:embedContent", Operation.EMBED, GEMINI),
        ("/v1beta/models/gemini-embedding-001:batchEmbedContents", Operation.EMBED_MANY, GEMINI),
        (
            "/v1beta1/projects/p/locations/l/publishers/google/models/gemini-2.5-pro:generateContent",
            Operation.GENERATE,
            GEMINI,
        ),
        ("/health", Operation.HEALTH, CHAT),
        ("/ready", Operation.READY, CHAT),
        ("/provider_health", Operation.PROVIDER_HEALTH, CHAT),
        ("/", Operation.PROBE, CHAT),
        ("/api/login", Operation.CONTROL, CHAT),
    ],
)
@pytest.mark.pitfall("CLI-1", "CLI-40", "NET-11")
def test_paths(path, operation, protocol):
    route = matched(path)
    assert (route.operation, route.protocol) == (operation, protocol)


@pytest.mark.parametrize(
    "prefix", ["openai-custom", "openaiResponses-custom", "claude-custom", "gemini-custom", "demo"]
)
def test_a_provider_prefix_goes_before_any_path(prefix):
    route = matched(f"/{prefix}/v1/messages")
    assert (route.provider, route.operation, route.protocol) == (prefix, Operation.GENERATE, ANTHROPIC)
    assert matched(f"/{prefix}/v1beta/models/m:generateContent").provider == prefix


def test_gemini_paths_carry_model_and_stream():
    route = matched("/v1beta/models/a/b:streamGenerateContent")
    assert (route.model, route.stream) == ("a/b", True)
    assert matched("/v1beta/models/a:generateContent").stream is False
    assert matched("/v1beta/models/llama3:8b:generateContent").model == "llama3:8b"


@pytest.mark.parametrize(
    "path",
    [
        "/v2/chat/completions",
        "/v1/chat",
        "/unknown-custom/v1/messages",
        "/v1/embed",
        "/v1/modelsx",
        "/apix",
        "/healthz",
        "/v1beta/models/m:embedSomething",
    ],
)
def test_unknown_paths_are_404(path):
    with pytest.raises(Fault) as caught:
        matched(path)
    assert (caught.value.status, caught.value.code) == (404, "unknown_endpoint")


@pytest.mark.parametrize(
    "path", ["/v1/models/../../etc/passwd", "/v1/models/a/../b:generateContent", "/v1/models/%00a"]
)
def test_model_names_are_no_paths(path):
    with pytest.raises(Fault) as caught:
        matched(path)
    assert caught.value.status in (400, 404)


def test_error_bodies_follow_the_path_where_no_route_matched():
    assert protocol_of("/v1/messages/nothing") == ANTHROPIC
    assert protocol_of("/v1beta/nothing") == GEMINI
    assert protocol_of("/v1/models/x:embedSomething") == GEMINI
    assert protocol_of("/v1/responses/a/b/c") == RESPONSES
    assert protocol_of("/anything") == CHAT
