"""Logging, metrics, tracing and the prompt log. Knows no provider and no route."""
