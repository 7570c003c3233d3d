"""The embedded simulation: a provider that needs no account and answers deterministically, without I/O or chance."""

from codenex.providers.demo.embeddings import demo_embeddings
from codenex.providers.demo.script import demo_events
from codenex.providers.demo.steps import Cut, Delay, Step

__all__ = ["Cut", "Delay", "Step", "demo_embeddings", "demo_events"]
