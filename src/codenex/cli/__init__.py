"""Wires the packages together: the command line, and the processes that it starts. Nothing else may."""
