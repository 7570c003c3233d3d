"""CODENEX-AI-PROXY-API: one gateway for OpenAI, Anthropic and Gemini clients and the providers behind them."""

__version__ = "0.1.0"
