"""Changes of ``config.json``: what is sent, joined with what the file holds, and how both differ."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import msgspec

from codenex.control.administration import Refusal
from codenex.control.masking import is_secret, masked, restored, secrets_in
from codenex.control.setting_help import NOT_IN_FILE

if TYPE_CHECKING:
    from codenex.control.explanation import Explanation

Content = dict[str, Any]
#: ``place`` and ``message``.
Mistake = dict[str, str | None]

#: What clients get beside settings and send back with them.
BESIDE = frozenset({"isDefaultPassword", "problems"})


class Difference(msgspec.Struct, frozen=True):
    """One field of the file, masked; ``None`` where it was or is not there."""

    name: str
    before: Any
    after: Any


def merged(stored: Content, sent: Content, in_use: Explanation) -> Content:
    """Return the file's content with what was sent: ``None`` and empty texts remove a setting, a masked value keeps it,
    and what is in use anyway without standing in the file isn't put there.

    Raises :class:`Refusal` (422) with the place of every mistake, and
    :class:`~codenex.control.masking.MaskedValue`.
    """
    secrets = secrets_in({**in_use.values, **in_use.unknown})
    changes = {name: value for name, value in sent.items() if not _as_it_is(name, value, stored, in_use, secrets)}
    mistakes: list[Mistake] = [
        {"place": name, "message": reason} for name, reason in _mistakes(changes, stored, in_use)
    ]
    if mistakes:
        raise _mistaken(mistakes)
    after = dict(stored)
    for name, value in changes.items():
        if value is None or value == "":
            after.pop(name, None)
        else:
            after[name] = restored({name: value}, {name: stored.get(name)}, "config.json")[name]
    return after


def unusable(reason: str, sent: Content) -> Refusal:
    """Build the refusal of a change that a start could not use."""
    place = next((name for name in sent if re.search(rf"\b{re.escape(name)}\b", reason)), None)
    return _mistaken([{"place": place, "message": reason}])


def differences(before: Content, after: Content) -> list[Difference]:
    """Return the fields that differ, masked; a secret that is another one now may look as before."""
    secrets = (*secrets_in(before), *secrets_in(after))
    shown_before, shown_after = masked(before, secrets), masked(after, secrets)
    names = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    return [Difference(name, shown_before.get(name), shown_after.get(name)) for name in names]


def _as_it_is(name: str, value: Any, stored: Content, in_use: Explanation, secrets: tuple[str, ...]) -> bool:
    """Whether something was sent as it was read."""
    if name in BESIDE:
        return True
    if isinstance(value, str) and value and set(value) == {"*"} and is_secret(name):
        return True
    setting = in_use.settings.get(name)
    known = setting.value if setting is not None else in_use.unknown.get(name)
    if name in stored and stored[name] == value:
        return True
    # What is in use goes before the file or stands in it, perhaps in another form: writing it would change nothing.
    return known is not None and value in (known, masked({name: known}, secrets)[name])


def _mistakes(changes: Content, stored: Content, in_use: Explanation) -> list[tuple[str, str]]:
    # Large, and loaded only where something is changed.
    from codenex.control.configuration import mistakes_in

    found = [
        (name, "no setting of this version has this name")
        for name, value in changes.items()
        if value is not None and name not in in_use.settings and name not in stored
    ]
    found += [(name, "is set where the server is started, not in its files") for name in changes.keys() & NOT_IN_FILE]
    return found + mistakes_in({name: value for name, value in changes.items() if name in in_use.settings})


def _mistaken(mistakes: list[Mistake]) -> Refusal:
    told = [": ".join(text for text in (item["place"], item["message"]) if text) for item in mistakes]
    return Refusal(422, "; ".join(told), details=mistakes)
