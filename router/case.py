"""A case: one refusal on its way through the tiers. State is a union of stages, and everything else that facts have told."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, TypeAdapter

from topics.events import ConsultationRequest, Limit, Task
from topics.fields import Instant
from topics.parts import Actor, Guidance, LegalBases, Matter, Supplement
from topics.record import record
from topics.vocabulary import (
    Card,
    ConsultationAnswer,
    FastResponseGround,
    InstructionKind,
    LimitKind,
    MatterClass,
    Outcome,
    RequestKind,
    ReviewerOpinion,
    Situation,
    StageName,
    Tier,
)

STATE_VERSION: Literal[1] = 1
"""Of a stored case: a change to what a case holds raises it, so that none is taken for whole that lacks it."""


@record
class AtClerk:
    """The clerk owes something: an answer to a question, or a position on a refusal that was never filed."""

    name: Literal[StageName.AT_CLERK] = StageName.AT_CLERK
    since: Instant
    back_to: Tier = Tier.REVIEWER
    """Who asked, and gets the case back."""


@record
class AtReviewer:
    """Tier 2 studies the proposal."""

    name: Literal[StageName.AT_REVIEWER] = StageName.AT_REVIEWER
    since: Instant


@record
class AtDecisionMaker:
    """Tier 3: the only one who can make a refusal final."""

    name: Literal[StageName.AT_DECISION_MAKER] = StageName.AT_DECISION_MAKER
    since: Instant


@record
class InConsultation:
    """Departments are being asked; the asker holds the case and the clock runs (R14)."""

    name: Literal[StageName.IN_CONSULTATION] = StageName.IN_CONSULTATION
    since: Instant
    asker: Tier


@record
class AtGovernment:
    """The same-level government has the question; the decision-maker may still say yes (R15)."""

    name: Literal[StageName.AT_GOVERNMENT] = StageName.AT_GOVERNMENT
    since: Instant
    referral_id: str


@record
class Closed:
    """It ended. What still runs: the reply's delivery, supplements promised."""

    name: Literal[StageName.CLOSED] = StageName.CLOSED
    since: Instant
    outcome: Outcome


Stage = Annotated[
    AtClerk | AtReviewer | AtDecisionMaker | InConsultation | AtGovernment | Closed, Field(discriminator="name")
]


def stage_of(tier: Tier, since: datetime) -> AtReviewer | AtDecisionMaker:
    """The stage in which one of the two upper tiers studies the case."""
    return AtReviewer(since=since) if tier is Tier.REVIEWER else AtDecisionMaker(since=since)


_HOLDERS = {
    StageName.AT_CLERK: Tier.CLERK,
    StageName.AT_REVIEWER: Tier.REVIEWER,
    StageName.AT_DECISION_MAKER: Tier.DECISION_MAKER,
    StageName.AT_GOVERNMENT: Tier.DECISION_MAKER,
    StageName.CLOSED: Tier.CLERK,
}


@record
class ClosedTask:
    """What became of a task: who did it, or what made it needless."""

    task_id: str
    tier: Tier
    at: Instant
    by: Actor | None = None
    how: str


@record
class Review:
    """The reviewer's opinion (R02)."""

    by: Actor
    opinion: ReviewerOpinion
    reason: str


@record
class GivenCard:
    """A card stays in the record; a corrected one does not count."""

    card: Card
    limit: LimitKind
    about: str | None = None
    at: Instant
    fell_due_at: Instant
    due_at: Instant
    corrected: bool = False
    superseded: bool = False
    """Of a limit that a declaration replaced (R22): it stays, and the new limit has cards of its own."""


@record
class Consulted:
    """One department's question and what came of it."""

    request: ConsultationRequest
    asked_by: Tier
    answer: ConsultationAnswer | None = None
    reason: str | None = None
    silent: bool = False
    handed_over: bool = False


@record
class Instruction:
    """What the committee asked, and whether the unit has answered."""

    instruction_id: str
    kind: InstructionKind
    answered: bool = False


@record
class Reply:
    """What the applicant is to be told, and whether they were."""

    reply_id: str
    kind: Literal["interim", "final"]
    in_person: bool = False
    """Whether the person responsible is to explain it to the applicant (R04)."""
    delivered: bool = False


@record
class Passing:
    """What a tier had when its time was up, as long as nobody has acted on the case since (R24)."""

    tier: Tier
    stage: Stage
    task: Task
    limit: Limit
    passed_over: tuple[Tier, ...] = ()
    """The tiers passed over before."""


@record
class Case:
    """Everything the core needs to decide what comes next. `version` is the number of facts so far."""

    v: Literal[1] = STATE_VERSION
    """Of this form, as it is stored: one that another version of the code wrote is folded anew from the facts."""
    case_id: str
    version: int
    org_code: str
    unit_name: str
    centre: str
    window_party: str
    project_no: str | None = None
    matter: Matter
    request_kind: RequestKind
    situation: Situation | None = None
    ground_code: str | None = None
    reason: str | None = None
    legal_basis: LegalBases = ()
    guidance: Guidance | None = None
    proposed_by: Actor | None = None
    first_asked: Actor | None = None
    fast_response_grounds: tuple[FastResponseGround, ...] = ()
    linked_case: str | None = None
    applicant_ref: str | None = None
    asked_at: Instant
    received_at: Instant
    clock_start: Instant
    opened_at: Instant
    matter_class: MatterClass = MatterClass.GENERAL
    promised: bool = False
    late_filing: bool = False
    unfiled: bool = False
    headless: bool = False
    """Guidance only, confirmed at the window: no refusal, so no head and no tail (R05)."""
    reviewer_skipped: str | None = None
    lacking: tuple[str, ...] = ()
    stage: Stage
    tasks: tuple[Task, ...] = ()
    closed_tasks: tuple[ClosedTask, ...] = ()
    proposers: tuple[str, ...] = ()
    reviewers: tuple[str, ...] = ()
    review: Review | None = None
    passed_over: tuple[Tier, ...] = ()
    passing: Passing | None = None
    limits: tuple[Limit, ...] = ()
    cards: tuple[GivenCard, ...] = ()
    withdrawal_asked: str | None = None
    consultations: tuple[Consulted, ...] = ()
    instructions: tuple[Instruction, ...] = ()
    replies: tuple[Reply, ...] = ()
    supplements: tuple[Supplement, ...] = ()
    supervised: int = 0

    def wire(self) -> bytes:
        """As it is stored: camelCase, nothing that is absent, `v` first."""
        return _STORED.dump_json(self, by_alias=True, exclude_none=True)

    @classmethod
    def read(cls, stored: bytes) -> "Case":
        """A stored case. Raises ValidationError where it is not one of this version."""
        return _STORED.validate_json(stored)

    @property
    def open(self) -> bool:
        """Whether the outcome is still to come."""
        return type(self.stage) is not Closed

    @property
    def holder(self) -> Tier:
        """Who holds the case, and is named by cards (R27); after its end that is the clerk, who tells the applicant (R38)."""
        stage = self.stage
        return stage.asker if type(stage) is InConsultation else _HOLDERS[stage.name]

    def task(self, task_id: str) -> Task | None:
        """The open task of that id."""
        for task in self.tasks:
            if task.task_id == task_id:
                return task
        return None

    def limit(self, kind: LimitKind, about: str | None = None) -> Limit | None:
        """The running limit of that kind (and, where it is about one thing, of that thing)."""
        for limit in self.limits:
            if limit.kind is kind and limit.about == about:
                return limit
        return None

    def card(self, kind: LimitKind, card: Card, about: str | None = None) -> GivenCard | None:
        """The card given for the limit of that kind that runs now."""
        for given in self.cards:
            if given.limit is kind and given.card is card and given.about == about and not given.superseded:
                return given
        return None


_STORED = TypeAdapter(Case)
