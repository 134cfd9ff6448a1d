"""One thing that needs attention, and what somebody asks the inbox for."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import LazyString

from app.kit.ids import digest
from app.staff.attention.kinds import Kind, kind_of


@dataclass(frozen=True)
class Thing:
    """`kind` and `subject` name it, for as long as it is there; `since` is when it came up (UTC).

    `taken_by` is the address of the member of staff who has it. `told` and `about`: see app.staff.attention.sources.
    """

    kind: str
    subject: str
    since: datetime
    order_id: str | None = None
    told: str | None = None
    about: str | None = None
    taken_by: str | None = None
    taken_at: datetime | None = None

    @property
    def words(self) -> Kind:
        """What it is called, and what is to be done."""
        return kind_of(self.kind)

    @property
    def detail(self) -> LazyString | str:
        """What `told` means."""
        return self.words.words.get(self.told or "", self.told or "")

    @property
    def mark(self) -> str:
        """A name for the page: letters and digits only."""
        return f"t{digest(f'{self.kind} {self.subject}')[:16]}"


@dataclass(frozen=True)
class Asked:
    """Which things: of a kind, one of them, those of a member of staff ("": those that nobody has; None: all)."""

    kind: str = ""
    subject: str = ""
    member: str | None = None

    def wants(self, thing: Thing) -> bool:
        """Tell whether a thing is among them."""
        return (
            self.kind in {"", thing.kind}
            and self.subject in {"", thing.subject}
            and self.member in {None, thing.taken_by or ""}
        )
