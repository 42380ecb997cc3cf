"""A reload of all workers or of none: all read and check the configuration, then all apply it."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import DeferredList

from .generation import Generation
from .process import State, WorkerProcess


class ReloadFailed(Exception):
    """No worker goes by the new configuration; the message has a line for each reason."""


async def reload_all(generation: Generation, text: bytes, number: int) -> list[str]:
    """Apply a configuration in all workers; returns a sentence for each change.

    A worker that is starting just now has read the old text; it is started again.

    Args:
        text: of the configuration file.
        number: tells the answers to this reload from others.

    Raises:
        ReloadFailed: a worker refuses it, or has ended meanwhile; or a defect keeps all of them
            from applying it.
    """
    workers = [each for each in generation if each.state is State.SERVING]
    errors = await _ask_all(workers, text, number)
    if errors or not workers:
        for worker in workers:
            worker.tell("discard", number)
        raise ReloadFailed("\n".join(errors or ["no worker is running"]))
    before, generation.configuration = generation.configuration, text
    applied = await DeferredList(
        [worker.ask("apply", "applied", number) for worker in workers], consumeErrors=True
    )
    given = [answer for done, answer in applied if done]
    answers = [answer for answer in given if not answer.get("errors")]
    errors = [error for answer in given for error in answer.get("errors", ())]
    if errors and not answers:
        generation.configuration = before
        raise ReloadFailed("\n".join(dict.fromkeys(errors)))
    if answers:
        generation.told = {**generation.told, **answers[0]}
    changes = [change for answer in answers for change in answer.get("changes", ())]
    changes += [f"not in all workers: {error}" for error in errors]
    return list(dict.fromkeys(changes)) or ["nothing has changed"]


async def _ask_all(workers: list[WorkerProcess], text: bytes, number: int) -> list[str]:
    """Return why the configuration cannot be applied, once each."""
    shown = text.decode(errors="surrogateescape")
    asked = [worker.ask("prepare", "prepared", number, text=shown) for worker in workers]
    answers: list[tuple[bool, Any]] = await DeferredList(asked, consumeErrors=True)
    found: list[str] = []
    for done, answer in answers:
        found += answer.get("errors", ()) if done else [str(answer.value)]
    return list(dict.fromkeys(found))
