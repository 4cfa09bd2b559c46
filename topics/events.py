"""What happened to a case: the facts of the journal, and of `case.events`.

A case can be rebuilt from these alone (R33), so a fact carries everything that changed. A reading of a fact never changes; it only grows.
"""

from typing import Annotated, Any, Literal

from pydantic import Field

from topics.fields import Code, Instant, Model, Name, OrgCode, Text
from topics.inbound import Accept, Direct, Question, Refuse
from topics.parts import (
    Actor,
    Confirmation,
    Guidance,
    InPerson,
    LegalBases,
    Matter,
    Precedents,
    Source,
    Supplement,
    UnitName,
)
from topics.record import record
from topics.vocabulary import (
    Card,
    ConsultationAnswer,
    DeliveryChannel,
    FastResponseGround,
    InstructionKind,
    LimitKind,
    MajorGround,
    MatterClass,
    Outcome,
    RequestKind,
    ReviewerOpinion,
    Situation,
    Tier,
)


@record
class Limit:
    """A period that runs: which, until when (UTC), when three quarters of its working time are used, and by which rule."""

    kind: LimitKind
    starts_at: Instant
    due_at: Instant
    yellow_at: Instant | None = None
    provisional: bool = False
    rule: str
    about: str | None = None
    """The task, request or instruction it belongs to, where it is not the whole case's."""
    days: int | None = None
    """Working days, where it is counted in days."""
    reckoning: str | None = None
    """How the days are counted (R25); with `startsAt`, `days` and `calendar` the due time can be explained day by day."""
    working_seconds: int | None = None
    """Working time, where it is counted in hours."""
    calendar: str | None = None
    """The version of the calendar it was worked out by."""


@record
class Task:
    """What a tier has to do. `taskId` is answered by the command that does it."""

    task_id: str
    tier: Tier
    kind: Literal[
        "supply", "review", "decide", "answer_instruction", "follow_up_supplements", "opinions_in", "check_withdrawal"
    ]
    opened_at: Instant
    due_at: Instant | None = None
    question: Text | None = None
    lacking: tuple[str, ...] = ()
    precedents: Precedents | None = None


@record
class Fact:
    """Every fact knows when it was recorded, in the domain's time."""

    at: Instant


@record
class CaseOpened(Fact):
    """A refusal was proposed or reported: the internal approval starts, and the head filing with it (R30)."""

    type: Literal["case.opened"] = "case.opened"
    org_code: OrgCode
    unit_name: Name
    centre: str
    window_party: str
    project_no: Code | None = None
    matter: Matter
    request_kind: RequestKind
    situation: Situation | None = None
    ground_code: Code | None = None
    reason: Text | None = None
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
    late_filing: bool = False
    """The head came later than the policy allows (迟报, R29)."""
    unfiled: bool = False
    """The window never filed it (漏报, R08)."""
    reported_by: Actor | None = None
    account: Text | None = None
    work_order: Code | None = None
    reviewer_skipped: Name | None = None
    """The committee's consent document, where the unit has no reviewer (R02)."""
    lacking: tuple[str, ...] = ()
    limits: tuple[Limit, ...] = ()
    tasks: tuple[Task, ...] = ()


@record
class GuidanceRecorded(Fact):
    """Guidance at the window, confirmed by the applicant: counted and sampled, without a head (R05)."""

    type: Literal["guidance.recorded"] = "guidance.recorded"
    org_code: OrgCode
    unit_name: Name
    centre: str
    window_party: str
    matter: Matter
    request_kind: RequestKind
    situation: Situation
    guidance: Guidance
    confirmation: Confirmation
    given_by: Actor
    asked_at: Instant
    applicant_ref: str | None = None


@record
class ProposalSupplied(Fact):
    """The clerk supplied what was lacking or asked."""

    type: Literal["proposal.supplied"] = "proposal.supplied"
    by: Actor
    acted_as: Literal["proposer"] = "proposer"
    first_asked: Actor | None = None
    answered_task: str | None = None
    answer: Text | None = None
    situation: Situation | None = None
    ground_code: Code | None = None
    reason: Text | None = None
    legal_basis: LegalBases = ()
    guidance: Guidance | None = None
    lacking: tuple[str, ...] = ()
    back_to: Tier | None = None
    limits: tuple[Limit, ...] = ()
    tasks: tuple[Task, ...] = ()


@record
class CaseReturned(Fact):
    """Back one level with a question."""

    type: Literal["case.returned"] = "case.returned"
    by: Actor
    from_tier: Tier
    to_tier: Tier
    answered_task: str | None = None
    question: Text
    limits: tuple[Limit, ...] = ()
    tasks: tuple[Task, ...] = ()


@record
class CaseEscalated(Fact):
    """The reviewer gave an opinion; the case is the decision-maker's (R02)."""

    type: Literal["case.escalated"] = "case.escalated"
    by: Actor
    answered_task: str | None = None
    opinion: ReviewerOpinion
    reason: Text
    limits: tuple[Limit, ...] = ()
    tasks: tuple[Task, ...] = ()


@record
class TierPassed(Fact):
    """A tier did not act while its budget ran: the case moved on without it (R24). It decided nothing."""

    type: Literal["tier.passed"] = "tier.passed"
    tier: Tier
    to_tier: Tier
    since: Instant
    due_at: Instant
    limits: tuple[Limit, ...] = ()
    tasks: tuple[Task, ...] = ()


@record
class TierRestored(Fact):
    """An act that was received while the tier's budget ran was read after the case had moved on: the tier has it again (R29)."""

    type: Literal["tier.restored"] = "tier.restored"
    tier: Tier
    received_at: Instant
    limits: tuple[Limit, ...] = ()
    tasks: tuple[Task, ...] = ()


@record
class CaseDeclared(Fact):
    """Special, or major and difficult (R21, R22): the limits move; a breach that was stays."""

    type: Literal["case.declared"] = "case.declared"
    by: Actor
    matter_class: MatterClass
    ground: MajorGround | None = None
    reason: Text
    limits: tuple[Limit, ...] = ()


@record
class InterimAnswered(Fact):
    """Who is studying what until when (R23)."""

    type: Literal["interim.answered"] = "interim.answered"
    by: Actor
    tier: Tier
    reply_id: str
    who: Name
    what: Text
    until: Instant


@record
class CaseDecided(Fact):
    """The outcome, and with it the tail filing and the applicant's reply (R31)."""

    type: Literal["case.decided"] = "case.decided"
    outcome: Outcome
    by: Actor | None = None
    tier: Tier | None = None
    by_government: Name | None = None
    """The minutes' number, where the government decided (R15)."""
    answered_task: str | None = None
    reply_id: str
    note: Text | None = None
    legal_basis: LegalBases = ()
    explanation: Text | None = None
    in_person: InPerson | None = None
    document_number: Name | None = None
    remedies: tuple[Text, ...] = ()
    guidance: Guidance | None = None
    supplements: tuple[Supplement, ...] = ()
    promise_date: str | None = None
    confirmation: Confirmation | None = None
    reason: Text | None = None
    departs_from: Outcome | None = None
    departure_reason: Text | None = None
    in_time: bool = True
    received_at: Instant
    silent_departments: tuple[UnitName, ...] = ()
    limits: tuple[Limit, ...] = ()
    """What still runs after the end: the supplements' date, the answer not yet delivered."""
    tasks: tuple[Task, ...] = ()


@record
class WithdrawalAsked(Fact):
    """The clerk says the applicant withdraws, without proof: the reviewer checks (R09)."""

    type: Literal["withdrawal.asked"] = "withdrawal.asked"
    by: Actor
    reason: Text
    tasks: tuple[Task, ...] = ()


@record
class ConsultationRequest:
    """One department's question."""

    request_id: str
    question: Question
    unit_name: Name
    handed_over_from: OrgCode | None = None


@record
class ConsultationAsked(Fact):
    """Departments were asked, in parallel; the clock runs on (R14)."""

    type: Literal["consultation.asked"] = "consultation.asked"
    by: Actor
    tier: Tier
    requests: tuple[ConsultationRequest, ...]
    limits: tuple[Limit, ...] = ()


@record
class OpinionGiven(Fact):
    """A department answered, or corrected its answer."""

    type: Literal["opinion.given"] = "opinion.given"
    request_id: str
    org_code: OrgCode
    unit_name: Name
    by: Actor
    answer: ConsultationAnswer
    reason: Text
    legal_basis: LegalBases = ()
    corrected: bool = False
    handed_over: ConsultationRequest | None = None
    limits: tuple[Limit, ...] = ()
    tasks: tuple[Task, ...] = ()


@record
class ConsultationClosed(Fact):
    """A department's limit is reached: its silence is recorded as silence, neither consent nor objection (R14)."""

    type: Literal["consultation.closed"] = "consultation.closed"
    request_id: str
    org_code: OrgCode
    unit_name: Name
    due_at: Instant
    tasks: tuple[Task, ...] = ()


@record
class CaseReferred(Fact):
    """Referred to the same-level government (R15); no limit is lifted by that."""

    type: Literal["case.referred"] = "case.referred"
    by: Actor
    referral_id: str
    government: Name
    area_code: Code
    question: Text
    proposal: Text


@record
class GovernmentRuled(Fact):
    """The government directed the unit how to go on (R15); where it closes the case, `case.decided` follows."""

    type: Literal["government.ruled"] = "government.ruled"
    referral_id: str
    by: Actor
    minutes_number: Name
    ruling: Annotated[Accept | Refuse | Direct, Field(discriminator="action")]
    limits: tuple[Limit, ...] = ()
    tasks: tuple[Task, ...] = ()


@record
class InstructionGiven(Fact):
    """催办、督办、协调 (R37)."""

    type: Literal["instruction.given"] = "instruction.given"
    instruction_id: str
    kind: InstructionKind
    by: Actor
    text: Text
    limits: tuple[Limit, ...] = ()
    tasks: tuple[Task, ...] = ()


@record
class InstructionAnswered(Fact):
    """The unit answered the committee (R37)."""

    type: Literal["instruction.answered"] = "instruction.answered"
    instruction_id: str
    by: Actor
    tier: Tier
    answer: Text


@record
class DeliveryConfirmed(Fact):
    """The applicant has really been told (R38)."""

    type: Literal["delivery.confirmed"] = "delivery.confirmed"
    reply_id: str
    by: Actor
    channel: DeliveryChannel
    delivered_at: Instant
    received_at: Instant
    explained_by: Actor | None = None


@record
class SupplementsCame(Fact):
    """The supplements of an acceptance came in (R12)."""

    type: Literal["supplements.came"] = "supplements.came"
    by: Actor
    received_at: Instant


@record
class SupplementsOverdue(Fact):
    """The supplements' date passed: an alert and a task, never a refusal (R12)."""

    type: Literal["supplements.overdue"] = "supplements.overdue"
    due_at: Instant
    tasks: tuple[Task, ...] = ()


@record
class CardGiven(Fact):
    """A limit nearly used up, or breached, and who held the case (R27)."""

    type: Literal["card.given"] = "card.given"
    card: Card
    limit: LimitKind
    about: str | None = None
    fell_due_at: Instant | None = None
    """When the card was due: at the yellow share of the limit, or at its end. `at` is when that was noticed."""
    due_at: Instant
    holder: Tier | None = None
    holder_name: Name
    held_since: Instant
    provisional: bool = False
    router_behind: bool = False
    """The router had not yet read all that was received before the limit; a decision in time corrects the record (R29)."""


@record
class CardCorrected(Fact):
    """A decision that was received in time was read after the card: the card does not count (R29)."""

    type: Literal["card.corrected"] = "card.corrected"
    limit: LimitKind
    about: str | None = None
    card: Card
    received_at: Instant


@record
class SupervisionNoticed(Fact):
    """The decision-maker does not act: the committee is told, each working day until someone acts (R24)."""

    type: Literal["supervision.noticed"] = "supervision.noticed"
    times: int
    due_at: Instant
    limits: tuple[Limit, ...] = ()


@record
class StatutoryNoticeNear(Fact):
    """Five working days without a one-time notice are nearly over (R28)."""

    type: Literal["statutory.near"] = "statutory.near"
    due_at: Instant


@record
class DeemedAccepted(Fact):
    """Five working days passed without a one-time notice: by law the application counts as accepted (R28). Reported, not decided here."""

    type: Literal["statutory.deemed_accepted"] = "statutory.deemed_accepted"
    due_at: Instant


@record
class LimitsMoved(Fact):
    """A calendar was loaded or amended: due times were worked out again (R26)."""

    type: Literal["limits.moved"] = "limits.moved"
    calendar: str
    limits: tuple[Limit, ...]
    previous: tuple[Limit, ...]


Event = Annotated[
    CaseOpened
    | GuidanceRecorded
    | ProposalSupplied
    | CaseReturned
    | CaseEscalated
    | TierPassed
    | TierRestored
    | CaseDeclared
    | InterimAnswered
    | CaseDecided
    | WithdrawalAsked
    | ConsultationAsked
    | OpinionGiven
    | ConsultationClosed
    | CaseReferred
    | GovernmentRuled
    | InstructionGiven
    | InstructionAnswered
    | DeliveryConfirmed
    | SupplementsCame
    | SupplementsOverdue
    | CardGiven
    | CardCorrected
    | SupervisionNoticed
    | StatutoryNoticeNear
    | DeemedAccepted
    | LimitsMoved,
    Field(discriminator="type"),
]


class CommandOrigin(Model):
    """Whose command an entry answers: its identity is (party, id)."""

    party: str
    id: str
    type: str
    fingerprint: str
    source: Source
    traceparent: str | None = None
    """Of the trace it belongs to (W3C Trace Context), where its sender gave one."""


class Rejection(Model):
    """Why a command changed nothing, in words its sender can act on."""

    code: str
    message: str
    where: str | None = None
    retryable: bool = False
    details: dict[str, Any] | None = None


class Versions(Model):
    """What decided: the directory's, the calendar's and the policy's versions."""

    directory: str
    calendar: str
    policy: str
