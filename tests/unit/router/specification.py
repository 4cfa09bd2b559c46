"""Given a history, when a command comes, then events: how tests of the core read.

Every step is rendered, folded and written out as the ledger does it, so that no test of a decision overlooks what it says
to others, or that it can be read back.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar

from pydantic import TypeAdapter

from router.case import Case
from router.context import CalendarChanged, Command, Context, LimitsDue
from router.decide import decide
from router.evolve import evolve
from router.messages.message import Message
from router.rendering import render
from topics.events import Event, Rejection
from topics.inbound import Inbound
from topics.outbound import Outbound
from topics.registry import FAMILIES
from topics.vocabulary import StageName

from . import world

Said = Inbound | LimitsDue | CalendarChanged
ANY_EVENT: TypeAdapter[Event] = TypeAdapter(Event)
O = TypeVar("O", bound=Outbound)  # noqa: E741 - the usual short name of a type variable


@dataclass
class Specification:
    """A case and what has happened to it, a minute from command to command."""

    case_id: str = world.CASE
    now: datetime = world.MORNING
    make_context: Callable[[datetime], Context] = world.context
    case: Case | None = None
    events: list[Event] = field(default_factory=list)
    messages: list[Message] = field(default_factory=list)
    rejection: Rejection | None = None

    @property
    def state(self) -> Case:
        """The case as it stands."""
        assert self.case is not None
        return self.case

    def at(self) -> StageName:
        """Where the case stands now."""
        return self.state.stage.name

    def given(self, *said: Said) -> "Specification":
        """Commands that are all taken."""
        for message in said:
            self.when(message)

            assert None is self.rejection
        return self

    def when(self, message: Said, *, at: datetime | None = None, received: datetime | None = None) -> "Specification":
        """One command; what it led to stands in `events`, `messages` and `rejection`."""
        self.now = at or self.now + timedelta(minutes=1)
        context = self.make_context(self.now)
        command = Command(self.case_id, message, received or self.now, party="windows", applicant_ref="ref-1")
        result = decide(self.case, command, context)
        self.events, self.messages, self.rejection = [], [], None
        if isinstance(result, Rejection):
            self.rejection = result
            return self
        for event in result:
            before = self.case
            self.case = evolve(before, self.case_id, event)
            rendered = render(before, self.case, event, context)
            self.events.append(event)
            self.messages += rendered
            assert event == ANY_EVENT.validate_json(ANY_EVENT.dump_json(event, by_alias=True, exclude_none=True))
            for told in rendered:
                assert type(told.body) in FAMILIES[told.family].models
                assert told.body == type(told.body).model_validate_json(told.body.wire())
        assert self.case is None or self.case == Case.read(self.case.wire())
        return self

    def clock(self, until: datetime) -> "Specification":
        """Time passes, and whatever is due by then happens."""
        return self.when(LimitsDue(until), at=until)

    def task(self, kind: str) -> str:
        """The id of the open task of that kind."""
        return next(task.task_id for task in self.state.tasks if task.kind == kind)

    @property
    def reply(self) -> str:
        """The newest reply's id."""
        return self.state.replies[-1].reply_id

    @property
    def code(self) -> str | None:
        """Why the command was turned away."""
        return self.rejection.code if self.rejection else None

    @property
    def types(self) -> list[str]:
        """What happened, by name."""
        return [event.type for event in self.events]

    def sent(self, model: type[O]) -> list[O]:
        """The messages of one kind that the command led to."""
        return [message.body for message in self.messages if isinstance(message.body, model)]

    def to(self, model: type[Outbound]) -> list[str | None]:
        """To whom the messages of one kind went."""
        return [message.owner for message in self.messages if isinstance(message.body, model)]

    # The straight path, step by step.

    def opened(self, **changes: Any) -> "Specification":
        """A proposal was made."""
        return self.given(world.proposed(**changes))

    def escalated(self, **changes: Any) -> "Specification":
        """A proposal was made and reviewed."""
        self.opened(**changes)
        return self.given(world.by_reviewer(world.escalate(), self.task("review")))

    def refused(self, **changes: Any) -> "Specification":
        """A proposal was made, reviewed and upheld."""
        self.escalated(**changes)
        return self.given(world.by_decider(world.refuse(), self.task("decide")))


def small_unit() -> Specification:
    """A case of the unit whose reviewer's level is skipped by consent."""
    return Specification(case_id=world.CASE_SMALL)
