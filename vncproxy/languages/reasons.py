"""Reasons of the proxy in a language: the sentences of `vncproxy.errors`, and others.

A reason may come from another process or zone, as a sentence in English. So it is found among all
sentences that there are, those with values in them by their form.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import lru_cache, partial
from typing import Final

from ..errors import OverLimit, VNCProxyError
from .catalogues import ENGLISH, catalogue

STATES: Final = (
    "not running",
    "off",
    "shut off",
    "paused",
    "suspended",
    "crashed",
    "shutting down",
    "starting",
    "running",
    "in another state",
)
"""States of machines; others stay as their hypervisor calls them."""

FORMS: Final = (
    "The virtual machine is {state}.",
    "The virtual machine is {state}. Start it where you got this link, then reconnect.",
    "The virtual machine has no graphical console.",
    "The virtual machine runs on another host now. Open the same link at {address}.",
    "The virtual machine runs at {address} now. Ask for a new console link.",
    "The virtual machine was terminated.",
    "Several virtual machines have this name.",
    "The console of {machine} opens when you press the button on its page.",
    "The console opens when you press the button on its page.",
    "The approval for this console was denied: {reason}",
    "You have taken this console over from another place.",
    "{name} has taken this console over.",
    "Somebody else had this console since {time}.",
    "You had this console since {time}.",
    "{name} had this console since {time}.",
    "Somebody else has this console.",
    "You have this console.",
    "{name} has this console.",
    "Somebody else had this console open since {time}. Try again when it is closed.",
    "You had this console open since {time}. Try again when it is closed.",
    "{name} had this console open since {time}. Try again when it is closed.",
    "You have this console open. Try again when it is closed.",
    "{name} has this console open. Try again when it is closed.",
    "This console may be opened from {time}.",
    "This console was open until {time}.",
    "There is no backend and no zone {name} here any more.",
    "You may watch this machine, and not control it.",
    "You have asked already. Wait 20 seconds before you ask again.",
    "You do not have the control any more.",
    "That is too long ago. Let them ask again.",
    "At this machine everybody has the control.",
    "You have made several links just now. Try again in a minute.",
    "You may not invite others to this console.",
    "You may invite others to watch only.",
    "You do not control this console yourself.",
    "This link does not allow that.",
    "You do not control the machine now.",
    "The virtual machine has no Xen tools, which do this in its guest.",
    "The hypervisor could not do that.",
    "Too many connections are open from your address. Try again in a moment.",
    "Ask your administrator, id {id}.",
)
"""Sentences beside those of the classes of errors; what is in braces stands for any text."""

ERRORS: Final = VNCProxyError.__module__.rpartition(".")[0]
_LONGEST: Final = 1000


def all_reasons() -> Iterator[str]:
    """Yield all sentences in English."""
    yield from dict.fromkeys((*_of_classes(VNCProxyError), *OverLimit.sentences.values()))
    yield from (*FORMS, *STATES)


def speaker(language: str) -> Callable[[str], str]:
    """Return what says a reason in a language."""
    return str if language == ENGLISH else partial(in_language, language=language)


def in_language(text: str, language: str) -> str:
    """Return a reason in a language, its values included where they are words that we know.

    A text that is none of the sentences stays as it is.
    """
    if language == ENGLISH or not text or len(text) > _LONGEST:
        return text
    texts = _texts(language)
    if text in texts:
        return texts[text]
    for pattern, source in _forms():
        if match := pattern.fullmatch(text):
            values = {
                name: in_language(value, language) for name, value in match.groupdict().items()
            }
            return texts.get(source, source).format(**values)
    return text


@lru_cache(maxsize=16)
def _texts(language: str) -> dict[str, str]:
    wanted = set(all_reasons())
    messages = catalogue(language)
    found = {text: messages.get(text) for text in wanted}
    return {text: str(each.string) for text, each in found.items() if each and each.string}


@lru_cache(maxsize=1)
def _forms() -> list[tuple[re.Pattern[str], str]]:
    """Return the sentences with values, those with the most words of their own first."""
    sources = sorted((f for f in all_reasons() if "{" in f), key=lambda form: -len(form))
    return [(_pattern(source), source) for source in sources]


def _pattern(source: str) -> re.Pattern[str]:
    escaped = re.escape(source)
    return re.compile(re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>.+?)", escaped), re.DOTALL)


def _of_classes(kind: type[VNCProxyError]) -> Iterator[str]:
    if not kind.__module__.startswith(ERRORS):
        return
    yield kind.public
    if named := vars(kind).get("named"):
        yield named
    for each in sorted(kind.__subclasses__(), key=lambda each: each.__name__):
        yield from _of_classes(each)
