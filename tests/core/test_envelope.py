"""Signatures on their way through other protocols: who can open them, and what they give away."""

from __future__ import annotations

from base64 import b64decode, b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codenex.core import events as e
from codenex.core.envelope import PREFIX, UNSIGNED, may_hold_envelope, opened, opened_request, sealed, sealed_event
from codenex.core.losses import Losses
from codenex.core.parts import Reasoning, Signature, ToolCall
from codenex.core.request import Request, Turn

KEY, OTHER = b"k" * 32, b"o" * 32
SIGNATURE = Signature("gemini", "opaque", item_id="rs_1", model="m", scope="account")


def request_with(signature: Signature) -> Request:
    return Request("openai-chat", "m", (Turn("assistant", (Reasoning(("a thought",), signature=signature),)),))


def signature_in(request: Request) -> Signature | None:
    (part,) = request.turns[0].parts
    assert isinstance(part, Reasoning)
    return part.signature


@given(st.builds(Signature, vendor=st.sampled_from(["gemini", "openai", "anthropic"]), payload=st.text()))
def test_what_was_sealed_opens_unchanged_and_with_its_key_alone(signature: Signature) -> None:
    if signature.payload.startswith(PREFIX):
        return
    payload = sealed(signature, KEY).payload

    assert opened(payload, (OTHER, KEY)) == signature
    assert opened(payload, (OTHER,)) is None
    b64decode(payload, validate=True)


@pytest.mark.pitfall("SIG-2")
def test_an_envelope_can_be_told_wherever_it_stands_and_only_envelopes_can() -> None:
    payload = sealed(SIGNATURE, KEY).payload

    assert payload.startswith(PREFIX)
    assert may_hold_envelope(b'{"messages":[{"signature":"' + payload.encode() + b'"}]}')
    assert not may_hold_envelope(b"wN4B" * 100_000)
    assert not may_hold_envelope(b64encode(bytes(range(256)) * 4096))
    for before in (b"", b"Z", b"dmVuZ", b"Z" * 1000, b"x" * 1000):
        assert may_hold_envelope(before + payload.encode() + b"Z")
        assert not may_hold_envelope(before + payload.encode().replace(b"Z", b"z") + b"dmVuZG9yIjo")


@pytest.mark.pitfall("RSN-22")
def test_reasoning_that_has_no_signature_is_known_again() -> None:
    body = b'{"encrypted_content": "' + UNSIGNED.encode() + b'"}'
    marked = Reasoning(("a",), True, item_id="rs_1", signature=Signature("openai", UNSIGNED, "rs_1"))
    losses = Losses()
    request = opened_request(
        Request("openai-responses", "m", (Turn("assistant", (marked,)),)), (KEY,), "m", "account", losses
    )

    assert may_hold_envelope(body)
    assert request.turns[0].parts == (Reasoning(("a",)),)
    assert not losses.values()


@pytest.mark.pitfall("SIG-2")
@pytest.mark.parametrize("place", range(0, 60, 7))
def test_a_changed_envelope_is_nobodys(place: int) -> None:
    payload = sealed(SIGNATURE, KEY).payload
    changed = payload[:place] + ("A" if payload[place] != "A" else "B") + payload[place + 1 :]

    assert opened(changed, (KEY,)) is None


@pytest.mark.pitfall("SIG-6")
def test_it_holds_no_names_of_accounts() -> None:
    event = e.PartStop(0, ToolCall("c", "f", "{}", signature=Signature("gemini", "opaque")))
    out = sealed_event(event, KEY, "m", "a-hash-of-the-account")
    assert isinstance(out, e.PartStop)
    assert isinstance(out.part, ToolCall)
    assert out.part.signature is not None
    content = b64decode(out.part.signature.payload)

    assert b"a-hash-of-the-account" in content
    assert opened(out.part.signature.payload, (KEY,)) == Signature(
        "gemini", "opaque", None, "m", "a-hash-of-the-account"
    )


@pytest.mark.pitfall("SIG-1", "SIG-4")
@pytest.mark.parametrize(
    ("model", "scope", "key", "kept"),
    [
        ("m", "account", KEY, True),
        ("n", "account", KEY, False),
        ("m", "other", KEY, False),
        ("m", "account", OTHER, False),
    ],
)
def test_it_opens_for_the_same_model_and_account_and_else_is_a_loss(
    model: str, scope: str, key: bytes, kept: bool
) -> None:
    losses = Losses()
    request = opened_request(request_with(sealed(SIGNATURE, KEY)), (key,), model, scope, losses)

    assert signature_in(request) == (SIGNATURE if kept else None)
    assert [loss.path for loss in losses.values()] == ([] if kept else ["signature"])


@pytest.mark.pitfall("SIG-2")
def test_a_signature_that_nobody_here_sealed_is_left_to_the_target() -> None:
    foreign = Signature("anthropic", "from-elsewhere")
    losses = Losses()

    assert signature_in(opened_request(request_with(foreign), (KEY,), "m", "account", losses)) == foreign
    assert not losses.values()
