"""The documentation as a site of its own: how it is built, and what it must not hold."""
