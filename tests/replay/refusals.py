"""What the gateway may refuse of real traffic, and why nobody could do better: 4xx, each with a clear message."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from tests.replay.report import Disagreement, RefusedAsDocumented


@dataclass(frozen=True)
class Documented:
    """One reason. ``message`` is a pattern that the whole message holds, ``why`` is for the reader."""

    name: str
    status: int
    message: str
    why: str


TABLE: Final = (
    Documented(
        "a tool that only its vendor runs",
        400,
        r"has no tool (of type|like) |is run by its vendor|cannot run the hosted tool",
        "The request is about such a tool: nothing else is offered, or it is forced. Beside functions it is left out.",
    ),
    Documented(
        "a conversation stored elsewhere",
        400,
        r"keeps no conversations|is stored at another vendor",
        "Only the vendor that stored the earlier turns has them, and this request does not repeat them.",
    ),
    Documented(
        "a file that lies with another vendor",
        400,
        r"file id of another vendor|lies with another vendor",
        "A file id means something to the account that uploaded it; the file itself has to be sent.",
    ),
    Documented(
        "media that the model can't take",
        400,
        r"takes no (audio|video|image|document)|doesn't take media of the kind|takes this \w+ inline only",
        "Sound for a model without ears, or an address for one that reads no addresses: nobody fetches it for it.",
    ),
    Documented(
        "no such endpoint",
        404,
        r"there is no (endpoint|method) |is stored here",
        "Images, audio, files and batches have no part in a conversation, and no twin in other protocols.",
    ),
)


def settle(status: int, message: str) -> None:
    """Raise :class:`RefusedAsDocumented` for a refusal of the table, and a disagreement for any other."""
    for row in TABLE:
        if row.status == status and re.search(row.message, message):
            raise RefusedAsDocumented(row.name)
    raise Disagreement(f"refused with {status}: {message}")
