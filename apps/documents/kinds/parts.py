"""What a kind of statement is made of."""

from dataclasses import dataclass
from enum import StrEnum


class About(StrEnum):
    """What a statement is about, and so how long it can hold: a new version of the thing needs a new one."""

    PROJECT = "project"
    MODEL = "model version"
    DATA = "dataset version"


@dataclass(frozen=True)
class Question:
    """One thing that is asked. `part` is the heading it stands under; one that is not `needed` may be left empty."""

    name: str
    title: str
    asks: str
    reference: str = ""
    part: str = ""
    needed: bool = True


@dataclass(frozen=True)
class Kind:
    """What people state and the portal cannot compute. `name` and `subtype` are words of the control catalogue.

    Where `open_answers`, a question may also be answered “not applicable”, with the reason, or “unknown”."""

    name: str
    title: str
    about: About
    needed_for: str
    questions: tuple[Question, ...]
    subtype: str = ""
    open_answers: bool = False

    @property
    def key(self) -> str:
        """One word for it, in addresses and forms."""
        return f"{self.name}-{self.subtype.lower()}" if self.subtype else self.name

    @property
    def parts(self) -> list[tuple[str, list[Question]]]:
        """The questions under their headings, in order."""
        headings = dict.fromkeys(question.part for question in self.questions)
        return [(part, [one for one in self.questions if one.part == part]) for part in headings]
