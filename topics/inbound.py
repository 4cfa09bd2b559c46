"""What parties say to the router. One model a CloudEvents type; the reading of a type never changes, it only grows."""

from datetime import date
from typing import Annotated, ClassVar, Literal

from pydantic import Field, StringConstraints, model_validator

from topics.fields import CaseId, Code, Instant, Model, Name, OrgCode, Reference, Text
from topics.parts import Actor, Confirmation, Guidance, InPerson, LegalBases, Matter, SupplementDue
from topics.vocabulary import (
    ConsultationAnswer,
    DeliveryChannel,
    FastResponseGround,
    InstructionKind,
    MajorGround,
    MatterClass,
    RequestKind,
    ReviewerOpinion,
    Situation,
    Tier,
)


class Inbound(Model):
    """Every inbound message speaks of one case."""

    TYPE: ClassVar[str]

    @property
    def about(self) -> str:
        """The id of the case it speaks of: the record's key."""
        raise NotImplementedError


class AboutCase(Inbound):
    """A message about a case that is known."""

    case_id: CaseId

    @property
    def about(self) -> str:
        return self.case_id


class Applicant(Model):
    """The person behind a request. Personal data (PIPL §4): sealed by intake, never seen again on a topic."""

    name: Name | None = None
    id_type: Code | None = None
    id_number: Annotated[str, StringConstraints(max_length=64)] | None = None
    phone: Annotated[str, StringConstraints(max_length=32)] | None = None
    address: Name | None = None


class Opening(Inbound):
    """What the two ways of opening a case have in common."""

    org_code: OrgCode
    refusal_id: Annotated[str, StringConstraints(min_length=1, max_length=64, pattern=r"^[A-Za-z0-9_.:-]+$")]
    project_no: Code | None = None
    matter: Matter
    request_kind: RequestKind
    asked_at: Instant
    """When the applicant asked, by the window's clock (R29)."""
    applicant: Applicant | None = None

    @property
    def about(self) -> str:
        return f"{self.org_code}-{self.refusal_id}"


class RefusalProposed(Opening):
    """A clerk's wish to say no: a proposal, until the decision-maker upholds it (R01, R02).

    What it lacks of ground, reason, legal basis or guidance does not turn it away: the case opens, and the clerk is asked.
    """

    TYPE: ClassVar[str] = "refusal.proposed"
    situation: Situation
    ground_code: Code | None = None
    reason: Text | None = None
    legal_basis: LegalBases = ()
    guidance: Guidance | None = None
    proposed_by: Actor
    first_asked: Actor
    """The first person asked, at a window or the consultation desk (首问责任, R06)."""
    fast_response_grounds: Annotated[tuple[FastResponseGround, ...], Field(max_length=3)] = ()
    needs_study: bool = True
    """Whether it needs study or collective discussion: what does not is answered the same day (R20)."""
    linked_case: CaseId | None = None
    """The earlier case that this one follows, e.g. supplements that never came (R12)."""


class RefusalReported(Opening):
    """A refusal that the window never filed (漏报, R08), told by the consultation desk, the committee or 12345."""

    TYPE: ClassVar[str] = "refusal.reported"
    situation: Situation | None = None
    account: Text
    """What the applicant says happened."""
    reported_by: Actor
    first_asked: Actor | None = None
    """Whom the applicant asked first, where the report knows (R06)."""
    work_order: Code | None = None


class RefusalSupplied(AboutCase):
    """The clerk supplies what a returned or incomplete proposal lacks, or takes position on a reported refusal."""

    TYPE: ClassVar[str] = "refusal.supplied"
    task_id: Reference | None = None
    actor: Actor
    first_asked: Actor | None = None
    """Whom the applicant asked first, where a report did not know; without it, whoever supplies (R06)."""
    answer: Text | None = None
    situation: Situation | None = None
    ground_code: Code | None = None
    reason: Text | None = None
    legal_basis: LegalBases = ()
    guidance: Guidance | None = None


class GuidanceGiven(Opening):
    """Guidance at the window that the applicant confirmed: the clerk's own duty, no refusal and no head filing (R05)."""

    TYPE: ClassVar[str] = "guidance.given"
    situation: Situation
    guidance: Guidance
    confirmation: Confirmation
    given_by: Actor


class CaseWithdrawn(AboutCase):
    """The applicant takes the request back: with a verifiable confirmation, or for the reviewer to check (R09)."""

    TYPE: ClassVar[str] = "case.withdrawn"
    actor: Actor
    reason: Text
    confirmation: Confirmation | None = None


class SupplementsReceived(AboutCase):
    """The named supplements of an acceptance have come in (R12)."""

    TYPE: ClassVar[str] = "supplements.received"
    actor: Actor
    received_at: Instant


class ReplyDelivered(AboutCase):
    """The applicant has really been told (R38)."""

    TYPE: ClassVar[str] = "reply.delivered"
    reply_id: Reference
    actor: Actor
    channel: DeliveryChannel
    delivered_at: Instant
    explained_by: Actor | None = None


class Accept(Model):
    action: Literal["accept"] = "accept"
    note: Text | None = None


class AcceptWithSupplements(Model):
    """Accept now, named supplements by a named date (R12)."""

    action: Literal["accept_with_supplements"] = "accept_with_supplements"
    due: SupplementDue
    note: Text | None = None


class Guide(Model):
    """Guide the applicant, who confirms (R05)."""

    action: Literal["guide"] = "guide"
    guidance: Guidance
    confirmation: Confirmation


class Interim(Model):
    """Who is studying what until when: an answer for the applicant meanwhile (R23)."""

    action: Literal["interim"] = "interim"
    who: Name
    what: Text
    until: Instant


class Return(Model):
    """Back one level, with a question."""

    action: Literal["return"] = "return"
    question: Text


class Escalate(Model):
    """The reviewer's opinion; the case goes up (R02)."""

    action: Literal["escalate"] = "escalate"
    opinion: ReviewerOpinion
    reason: Text


class ConfirmWithdrawal(Model):
    """The reviewer has checked with the applicant that a withdrawal is meant (R09)."""

    action: Literal["confirm_withdrawal"] = "confirm_withdrawal"
    how_checked: Text


class Question(Model):
    """What one department is asked."""

    org_code: OrgCode
    question: Text


class Consult(Model):
    """Ask departments, in parallel (R14)."""

    action: Literal["consult"] = "consult"
    questions: Annotated[tuple[Question, ...], Field(min_length=1, max_length=20)]


class Refuse(Model):
    """The final refusal: legal basis, a reasoned explanation, and who answers in person (R03, R04)."""

    action: Literal["refuse"] = "refuse"
    legal_basis: LegalBases = ()
    explanation: Text | None = None
    in_person: InPerson | None = None
    document_number: Name | None = None
    """The sealed and dated written notice's number: owed for an application (行政许可法 §32)."""
    remedies: Annotated[tuple[Text, ...], Field(max_length=10)] = ()
    """Remedies beside reconsideration and litigation, where a special law gives them."""
    guidance: Guidance | None = None
    departure_reason: Text | None = None


class Redirect(Model):
    """告知谁办: who handles it, how and where (R10)."""

    action: Literal["redirect"] = "redirect"
    guidance: Guidance
    in_person: InPerson | None = None
    departure_reason: Text | None = None


class RequireSupplements(Model):
    """一次性告知补正: everything missing at once (R11)."""

    action: Literal["require_supplements"] = "require_supplements"
    guidance: Guidance
    in_person: InPerson | None = None
    departure_reason: Text | None = None


class Refer(Model):
    """Refer to the same-level government, in disagreement or not (R15)."""

    action: Literal["refer"] = "refer"
    question: Text
    proposal: Text


class Declare(Model):
    """Declare the case special, or major and difficult with its ground and a promised date (R21, R22)."""

    action: Literal["declare"] = "declare"
    matter_class: MatterClass
    ground: MajorGround | None = None
    reason: Text
    promise_date: date | None = None


class AnswerInstruction(Model):
    """The unit's answer to the committee (R37)."""

    action: Literal["answer_instruction"] = "answer_instruction"
    instruction_id: Reference
    answer: Text


Decision = Annotated[
    Accept
    | AcceptWithSupplements
    | Guide
    | Interim
    | Return
    | Escalate
    | ConfirmWithdrawal
    | Consult
    | Refuse
    | Redirect
    | RequireSupplements
    | Refer
    | Declare
    | AnswerInstruction,
    Field(discriminator="action"),
]


class TierDecided(AboutCase):
    """What an official of a tier does with a case. Which tier may do what is policy, checked by the core (R01, R02)."""

    TYPE: ClassVar[str] = "tier.decided"
    task_id: Reference | None = None
    tier: Tier
    actor: Actor
    decision: Decision


class ConsultationReplied(AboutCase):
    """A department's answer; it may be corrected until the decision (R14)."""

    TYPE: ClassVar[str] = "consultation.replied"
    request_id: Reference
    org_code: OrgCode
    actor: Actor
    answer: ConsultationAnswer
    reason: Text
    legal_basis: LegalBases = ()
    hand_over_to: OrgCode | None = None
    """With `not_competent`: the department that is; once a request."""

    @model_validator(mode="after")
    def _hand_over_only_when_not_competent(self) -> "ConsultationReplied":
        if self.hand_over_to is not None and self.answer is not ConsultationAnswer.NOT_COMPETENT:
            raise ValueError("handOverTo goes with answer not_competent")
        return self


class CommitteeInstructed(AboutCase):
    """催办、督办、协调: the unit must answer; the committee never decides the case (R37)."""

    TYPE: ClassVar[str] = "committee.instructed"
    kind: InstructionKind
    actor: Actor
    text: Text


class Direct(Model):
    """The unit is directed how to go on; the case returns to its decision-maker."""

    action: Literal["direct"] = "direct"
    direction: Text


class GovernmentDecided(AboutCase):
    """The government's decision closes the case or directs the unit (R15)."""

    TYPE: ClassVar[str] = "government.decided"
    referral_id: Reference
    actor: Actor
    minutes_number: Name
    ruling: Annotated[Accept | Refuse | Direct, Field(discriminator="action")]


INBOUND: dict[str, type[Inbound]] = {
    model.TYPE: model
    for model in (
        RefusalProposed,
        RefusalReported,
        RefusalSupplied,
        GuidanceGiven,
        CaseWithdrawn,
        SupplementsReceived,
        ReplyDelivered,
        TierDecided,
        ConsultationReplied,
        CommitteeInstructed,
        GovernmentDecided,
    )
}
