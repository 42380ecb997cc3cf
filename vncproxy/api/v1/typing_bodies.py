"""The JSON of a request to type, and the script that it means."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, PlainValidator, WithJsonSchema

from ...keyboard import LAYOUTS, Layout, Pause, Press, Script, load_layout, read_chord
from ...model import VMAddress
from .bodies import VM_SCHEMA, User, read_vm

LONGEST_TEXT: Final = 4096
"""Characters of all texts of a request."""

MOST_KEYS: Final = 1000
"""Entries of ``keys``."""

LONGEST_CHORD: Final = 64
LONGEST_PAUSE: Final = 60.0
LONGEST_TYPING: Final = 300.0
"""Seconds that the strokes and pauses of a request may take."""

RATE: Final = 20.0
"""Strokes in a second, which firmware and boot menus follow."""

FASTEST: Final = 100.0

_CONFIG = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

VM = Annotated[VMAddress, PlainValidator(read_vm), WithJsonSchema(VM_SCHEMA)]
Text = Annotated[str, Field(min_length=1, max_length=LONGEST_TEXT)]
ChordText = Annotated[str, Field(min_length=1, max_length=LONGEST_CHORD)]
Duration = Annotated[float, Field(gt=0, le=LONGEST_PAUSE)]


class PauseStep(BaseModel):
    """Nothing is typed for a time.

    Attributes:
        pause: seconds.
    """

    model_config = _CONFIG

    pause: Duration


class TextStep(BaseModel):
    """A text among keys.

    Attributes:
        text: with line feeds for Enter.
    """

    model_config = _CONFIG

    text: Text


class HoldStep(BaseModel):
    """A key or chord that is held down for a time.

    Attributes:
        hold: such as ``f12`` or ``ctrl+c``.
        seconds: how long.
    """

    model_config = _CONFIG

    hold: ChordText
    seconds: Duration


Step = ChordText | PauseStep | TextStep | HoldStep


class TypeRequest(BaseModel):
    """What is to be typed at which machine; either ``text`` or ``keys``.

    Attributes:
        vm: the machine; may stand in the query instead.
        text: with line feeds for Enter, and tabulators.
        keys: keys such as ``down``, chords such as ``ctrl+alt+delete``, and objects: texts, pauses,
            keys that are held.
        layout: the keyboard layout that the machine's guest has.
        rate: strokes in a second.
        codes: whether scan codes are sent where the console's server takes them; else keysyms.
        take_over: whether the console may be taken from its viewer, where the hypervisor or
            another session's policy admits one only.
        user: who types, as named in the audit log; null for the name of the key.
    """

    model_config = _CONFIG

    vm: VM | None = None
    text: Text | None = None
    keys: Annotated[list[Step], Field(min_length=1, max_length=MOST_KEYS)] | None = None
    layout: Literal[LAYOUTS] = "us"  # type: ignore[valid-type]
    rate: Annotated[float, Field(ge=1, le=FASTEST)] = RATE
    codes: bool = True
    take_over: bool = False
    user: User | None = None


class WrongStep(ValueError):
    """Something cannot be typed.

    Its message may quote what was to be typed, so it is for the caller alone.

    Attributes:
        field: where it stands in the request.
        shown: what may stand in the audit log.
    """

    def __init__(self, field: str, message: str, shown: str) -> None:
        super().__init__(message)
        self.field = field
        self.shown = shown


def script_of(request: TypeRequest) -> Script:
    """Return what a request means.

    Raises:
        WrongStep: a key is not known, the layout lacks a character, or it is too much.
    """
    if (request.text is None) == (request.keys is None):
        raise WrongStep("text", message := "exactly one of text and keys is needed", message)
    layout = load_layout(request.layout)
    steps: list[Press | Pause] = []
    if request.text is not None:
        steps += _steps(TextStep(text=request.text), layout, "text")
    for number, step in enumerate(request.keys or ()):
        steps += _steps(step, layout, f"keys.{number}")
    script = Script(tuple(steps), request.rate, sum(map(len, _texts(request))))
    _check_size(script)
    return script


def _check_size(script: Script) -> None:
    if script.characters > LONGEST_TEXT:
        message = f"all texts together may have {LONGEST_TEXT} characters"
        raise WrongStep("keys", message, message)
    if script.seconds > LONGEST_TYPING:
        message = f"it would take {script.seconds:.0f} s, at most {LONGEST_TYPING:g}"
        raise WrongStep("rate", message, message)


def _texts(request: TypeRequest) -> Iterator[str]:
    yield request.text or ""
    for step in request.keys or ():
        if isinstance(step, TextStep):
            yield step.text


def _steps(step: Any, layout: Layout, field: str) -> Sequence[Press | Pause]:
    try:
        match step:
            case PauseStep(pause=seconds):
                return [Pause(seconds)]
            case HoldStep(hold=text, seconds=seconds):
                return [Press(read_chord(text, layout), seconds)]
            case TextStep(text=text):
                return [Press(stroke) for stroke in layout.strokes(text)]
            case _:
                return [Press(read_chord(step, layout))]
    except ValueError as e:
        raise WrongStep(field, str(e), "it has a key that is not known, or not there") from e
