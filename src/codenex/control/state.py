"""How an endpoint gets at the control part."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Request

from codenex.control.part import ControlPart


def _part(request: Request) -> ControlPart:
    part: ControlPart = request.app.state.part
    return part


Part = Annotated[ControlPart, Depends(_part)]
