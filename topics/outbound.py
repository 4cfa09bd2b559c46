"""What the router says to parties. `text` is the Chinese a person reads; everything else is for their systems."""

from typing import ClassVar, Literal

from topics.events import Rejection
from topics.fields import Instant, Model
from topics.parts import (
    Actor,
    Guidance,
    InPerson,
    LegalBases,
    Matter,
    Precedents,
    Source,
    Supplement,
    UnitName,
)
from topics.vocabulary import (
    Card,
    ConsultationAnswer,
    FastResponseGround,
    LimitKind,
    MatterClass,
    Outcome,
    RequestKind,
    ReviewerOpinion,
    Situation,
    Tier,
)


class Outbound(Model):
    """Every outbound message has a CloudEvents type."""

    TYPE: ClassVar[str]


class AboutUnitsCase(Outbound):
    """Which case, whose, about what."""

    case_id: str
    project_no: str | None = None
    org_code: str
    unit: str
    centre: str
    matter: Matter
    request_kind: RequestKind
    situation: Situation | None = None
    text: str


class Opinion(Model):
    """What an asked department said, or that it was silent (R14)."""

    request_id: str
    org_code: str
    unit: str
    question: str
    answer: ConsultationAnswer | None = None
    reason: str | None = None
    silent: bool = False


class TierTask(AboutUnitsCase):
    """Something to do for a tier; the command that does it names the `taskId`."""

    TYPE: ClassVar[str] = "task.opened"
    task_id: str
    tier: Tier
    kind: str
    matter_class: MatterClass
    opened_at: Instant
    due_at: Instant | None = None
    provisional: bool = False
    approval_due_at: Instant | None = None
    ground_code: str | None = None
    reason: str | None = None
    legal_basis: LegalBases = ()
    guidance: Guidance | None = None
    fast_response_grounds: tuple[FastResponseGround, ...] = ()
    first_asked: Actor | None = None
    proposed_by: Actor | None = None
    reviewed_by: Actor | None = None
    reviewer_opinion: ReviewerOpinion | None = None
    reviewer_reason: str | None = None
    question: str | None = None
    lacking: tuple[str, ...] = ()
    passed_over: tuple[Tier, ...] = ()
    """Tiers that did not act in their time (R24)."""
    precedents: Precedents | None = None
    opinions: tuple[Opinion, ...] = ()
    opinions_conflict: bool = False
    linked_case: str | None = None


class TaskClosed(Outbound):
    """A task that nobody needs to do any more, and why."""

    TYPE: ClassVar[str] = "task.closed"
    case_id: str
    task_id: str
    tier: Tier
    why: str
    text: str


class HeadFiling(AboutUnitsCase):
    """The head: the committee is told as the internal approval starts (R30)."""

    TYPE: ClassVar[str] = "filing.head"
    filed_at: Instant
    asked_at: Instant
    received_at: Instant
    approval_due_at: Instant | None = None
    provisional: bool = False
    matter_class: MatterClass
    ground_code: str | None = None
    reason: str | None = None
    legal_basis: LegalBases = ()
    fast_response_grounds: tuple[FastResponseGround, ...] = ()
    first_asked: Actor | None = None
    proposed_by: Actor | None = None
    late_filing: bool = False
    unfiled: bool = False
    reported_by: Actor | None = None
    reviewer_skipped: str | None = None
    lacking: tuple[str, ...] = ()
    linked_case: str | None = None


class TailFiling(AboutUnitsCase):
    """The tail: the final result, also when it is a yes (R31)."""

    TYPE: ClassVar[str] = "filing.tail"
    filed_at: Instant
    outcome: Outcome
    outcome_name: str
    matter_class: MatterClass
    decided_by: Actor | None = None
    decided_at_tier: Tier | None = None
    by_government: str | None = None
    reviewed_by: Actor | None = None
    reviewer_opinion: ReviewerOpinion | None = None
    reviewer_skipped: str | None = None
    first_asked: Actor | None = None
    legal_basis: LegalBases = ()
    explanation: str | None = None
    in_person: InPerson | None = None
    document_number: str | None = None
    guidance: Guidance | None = None
    supplements: tuple[Supplement, ...] = ()
    promise_date: str | None = None
    opened_at: Instant
    received_at: Instant
    in_time: bool
    working_seconds: int | None = None
    cards: tuple[str, ...] = ()
    departs_from: Outcome | None = None
    departure_reason: str | None = None
    opinions: tuple[Opinion, ...] = ()
    late_filing: bool = False
    unfiled: bool = False


class ProgressFiling(AboutUnitsCase):
    """What the committee follows between head and tail (R33, R37): declarations, answers to its instructions, supplements that came."""

    TYPE: ClassVar[str] = "filing.progress"
    filed_at: Instant
    what: Literal["case_declared", "instruction_answered", "supplements_came"]
    by: Actor | None = None
    instruction_id: str | None = None


class ApplicantReply(Outbound):
    """What the applicant is to be told; the clerk confirms that it was (R38). It names no applicant: the unit's system knows `applicantRef`."""

    TYPE: ClassVar[str] = "reply.issued"
    reply_id: str
    case_id: str
    project_no: str | None = None
    org_code: str
    unit: str
    matter: Matter
    request_kind: RequestKind
    applicant_ref: str | None = None
    kind: Literal["interim", "final"]
    outcome: Outcome | None = None
    outcome_name: str | None = None
    text: str
    issued_at: Instant
    first_asked: Actor | None = None
    answered_by: Actor | None = None
    in_person: InPerson | None = None
    legal_basis: LegalBases = ()
    explanation: str | None = None
    document_number: str | None = None
    remedies: tuple[str, ...] = ()
    guidance: Guidance | None = None
    supplements: tuple[Supplement, ...] = ()
    promise_date: str | None = None
    until: Instant | None = None
    deliver_by: Instant | None = None


class CommandRejected(Outbound):
    """A command that changed nothing: what, where, why. `details` tells what happened meanwhile."""

    TYPE: ClassVar[str] = "command.rejected"
    command_id: str | None = None
    command_type: str | None = None
    case_id: str | None = None
    source: Source
    rejection: Rejection
    dead_letter: bool = False
    """Whether the record's bytes were put aside in `dead.letters`."""
    text: str


class CommandRepeated(Outbound):
    """The same command again: it had its effect the first time, and has none now."""

    TYPE: ClassVar[str] = "command.repeated"
    command_id: str
    command_type: str
    case_id: str
    source: Source
    first_source: Source
    text: str


class DeadlineAlert(AboutUnitsCase):
    """A card or a notice about a limit, to the unit and to the committee (R24, R27, R28)."""

    TYPE: ClassVar[str] = "deadline.alert"
    kind: Literal[
        "card",
        "card_corrected",
        "supervision_notice",
        "statutory_near",
        "deemed_accepted",
        "supplements_overdue",
        "consultation_silent",
        "limits_moved",
    ]
    at: Instant
    card: Card | None = None
    limit: LimitKind | None = None
    matter_class: MatterClass
    due_at: Instant
    previous_due_at: Instant | None = None
    provisional: bool = False
    holder: Tier | None = None
    holder_name: str | None = None
    held_since: Instant | None = None
    working_seconds_left: int | None = None
    times: int | None = None
    router_behind: bool = False


class ConsultationRequested(Outbound):
    """A question for a department, without the applicant's identity (R14)."""

    TYPE: ClassVar[str] = "consultation.requested"
    request_id: str
    case_id: str
    asked_of: UnitName
    asked_by: UnitName
    centre: str
    matter: Matter
    request_kind: RequestKind
    situation: Situation | None = None
    ground_code: str | None = None
    reason: str | None = None
    question: str
    due_at: Instant | None = None
    provisional: bool = False
    handed_over_from: str | None = None
    text: str


class RequestClosed(Outbound):
    """The case is decided: a department's answer, still open, is awaited no more (R14)."""

    TYPE: ClassVar[str] = "consultation.request_closed"
    request_id: str
    case_id: str
    asked_of: UnitName
    text: str


class GovernmentReferred(AboutUnitsCase):
    """A case for the same-level government (R15)."""

    TYPE: ClassVar[str] = "government.referred"
    referral_id: str
    area_code: str
    government: str
    question: str
    proposal: str
    referred_by: Actor
    opinions: tuple[Opinion, ...] = ()
    approval_due_at: Instant | None = None


class ReferralClosed(Outbound):
    """The case was answered with a yes, or withdrawn, while the government had it: its decision is awaited no more (R15)."""

    TYPE: ClassVar[str] = "government.referral_closed"
    referral_id: str
    case_id: str
    area_code: str
    text: str


class OpinionForwarded(AboutUnitsCase):
    """A department's answer, as it arrives, for whoever asked (R14)."""

    TYPE: ClassVar[str] = "opinion.forwarded"
    tier: Tier
    opinion: Opinion
    corrected: bool = False
    awaited: int
    """How many departments have still to answer."""


OUTBOUND: dict[str, type[Outbound]] = {
    model.TYPE: model
    for model in (
        TierTask,
        TaskClosed,
        HeadFiling,
        TailFiling,
        ProgressFiling,
        ApplicantReply,
        CommandRejected,
        CommandRepeated,
        DeadlineAlert,
        ConsultationRequested,
        RequestClosed,
        GovernmentReferred,
        ReferralClosed,
        OpinionForwarded,
    )
}
