"""A small world for the core: a bureau with a reviewer, one without by consent, two departments, and what people in it say."""

from datetime import UTC, date, datetime, timedelta
from typing import Any

from deadlines import DEFAULT_HOURS, shipped_calendar
from router.context import Context, WorkingTime
from router.policy import DEFAULT_POLICY
from topics.directory import Directory
from topics.inbound import (
    Accept,
    AcceptWithSupplements,
    AnswerInstruction,
    CaseWithdrawn,
    CommitteeInstructed,
    ConfirmWithdrawal,
    Consult,
    ConsultationReplied,
    Decision,
    Declare,
    Direct,
    Escalate,
    GovernmentDecided,
    GuidanceGiven,
    Guide,
    Interim,
    Question,
    Redirect,
    Refer,
    RefusalProposed,
    RefusalReported,
    RefusalSupplied,
    Refuse,
    ReplyDelivered,
    RequireSupplements,
    Return,
    SupplementsReceived,
    TierDecided,
)
from topics.parts import (
    Actor,
    CompetentUnit,
    Confirmation,
    Guidance,
    InPerson,
    LegalBasis,
    Matter,
    MissingItem,
    Supplement,
    SupplementDue,
)
from topics.vocabulary import (
    ConfirmationMethod,
    ConsultationAnswer,
    DeliveryChannel,
    InstructionKind,
    MajorGround,
    MatterClass,
    RequestKind,
    ReviewerOpinion,
    Situation,
    Tier,
)

BUREAU = "ORG1"
SMALL = "ORG2"
WATER = "DEP1"
FIRE = "DEP2"
CENTRE = "hall"
CASE = "ORG1-0001"
CASE_SMALL = "ORG2-0001"


def shanghai(text: str) -> datetime:
    """2026-11-24T10:00 by a clock in Shanghai."""
    return datetime.fromisoformat(f"{text}+08:00").astimezone(UTC)


MORNING = shanghai("2026-11-24T10:00")
"""A Tuesday, an hour after opening."""

DIRECTORY = Directory.model_validate(
    {
        "version": "test-1",
        "centres": [
            {
                "id": CENTRE,
                "name": "市民服务中心",
                "committee": "市民服务中心管委会",
                "areaCode": "350100",
                "government": "福州市人民政府",
            }
        ],
        "units": [
            {
                "orgCode": BUREAU,
                "name": "甲局",
                "areaCode": "350100",
                "centre": CENTRE,
                "policy": {"supplementsAllowed": {"T-1": ["住所使用证明"]}},
            },
            {
                "orgCode": SMALL,
                "name": "乙局",
                "areaCode": "350100",
                "centre": CENTRE,
                "withoutReviewer": {"document": "榕服管函〔2026〕3号"},
                "policy": {"supplementsAllowed": {"T-1": ["住所使用证明"]}},
            },
            {"orgCode": WATER, "name": "水利局", "areaCode": "350100"},
            {"orgCode": FIRE, "name": "消防救援支队", "areaCode": "350100"},
        ],
        "parties": [
            {"id": "windows", "name": "窗口系统", "speaksFor": [{"units": [BUREAU, SMALL], "tiers": ["clerk"]}]},
            {
                "id": "bureau",
                "name": "甲局系统",
                "speaksFor": [{"units": [BUREAU], "tiers": ["reviewer", "decision_maker"]}],
            },
            {"id": "small", "name": "乙局系统", "speaksFor": [{"units": [SMALL], "tiers": ["decision_maker"]}]},
            {"id": "water", "name": "水利局系统", "consultedFor": [WATER]},
            {"id": "fire", "name": "消防系统", "consultedFor": [FIRE]},
            {"id": "committee", "name": "管委会系统", "committeeOf": [CENTRE]},
            {"id": "desk", "name": "综合咨询服务台", "reportsAt": [CENTRE]},
            {"id": "government", "name": "市政府系统", "governmentOf": ["350100"]},
        ],
    }
)


def context(now: datetime = MORNING, **changes: Any) -> Context:
    """What `decide` knows in this world."""
    known: dict[str, Any] = {
        "directory": DIRECTORY,
        "policy": DEFAULT_POLICY,
        "working_time": {CENTRE: WorkingTime(shipped_calendar(), DEFAULT_HOURS)},
        "precedents": {},
        **changes,
    }
    return Context(now=now, **known)


CLERK = Actor(person_id="C-1", name="林晓", post="窗口受理岗")
OTHER_CLERK = Actor(person_id="C-2", name="吴敏", post="窗口受理岗")
DESK = Actor(person_id="Z-1", name="叶秋", post="综合咨询服务台")
REVIEWER = Actor(person_id="R-1", name="陈宁", post="审核岗")
DEPUTY = Actor(person_id="R-2", name="黄静", post="审核岗", acting_for="R-1")
DECIDER = Actor(person_id="D-1", name="郑远", post="决定岗")
OFFICER = Actor(person_id="W-1", name="何川", post="水政科")
INSPECTOR = Actor(person_id="M-1", name="周正", post="管委会督查科")
SECRETARY = Actor(person_id="G-1", name="许宏", post="市政府办公厅")

MATTER = Matter(task_code="T-1", task_name="企业设立登记")
BASIS = (LegalBasis(law="《市场主体登记管理条例》", article="第二十条"),)
COMPETENT = Guidance(
    competent_unit=CompetentUnit(
        unit="市生态环境局", method="网上申报", path="网上办事大厅", policy_explained="该项权限已划转"
    )
)
NOTICE = Guidance(missing=(MissingItem(item="章程", how="由全体股东签字"),), guide="设立登记办事指南")
GUIDANCE = {Situation.OUT_OF_SCOPE: COMPETENT, Situation.CONDITIONS_NOT_MET: NOTICE, Situation.GREY_AREA: None}
CONFIRMED = Confirmation(method=ConfirmationMethod.SIGNED_SLIP, reference="QZ-1", at=MORNING)


def proposed(**changes: Any) -> RefusalProposed:
    """A clerk's proposal that lacks nothing."""
    situation = changes.get("situation", Situation.CONDITIONS_NOT_MET)
    said: dict[str, Any] = {
        "org_code": BUREAU,
        "refusal_id": "0001",
        "matter": MATTER,
        "request_kind": RequestKind.APPLICATION,
        "asked_at": MORNING,
        "situation": situation,
        "ground_code": "G-1",
        "reason": "章程未由全体股东签字。",
        "legal_basis": BASIS,
        "guidance": GUIDANCE[situation],
        "proposed_by": CLERK,
        "first_asked": DESK,
        **changes,
    }
    return RefusalProposed(**said)


def reported(**changes: Any) -> RefusalReported:
    """The consultation desk tells of a refusal that the window never filed."""
    said: dict[str, Any] = {
        "org_code": BUREAU,
        "refusal_id": "0001",
        "matter": MATTER,
        "request_kind": RequestKind.APPLICATION,
        "asked_at": MORNING,
        "account": "窗口说不能办，材料退回。",
        "reported_by": DESK,
        **changes,
    }
    return RefusalReported(**said)


def guidance_given(**changes: Any) -> GuidanceGiven:
    """Guidance at the window that the applicant confirmed."""
    situation = changes.get("situation", Situation.CONDITIONS_NOT_MET)
    said: dict[str, Any] = {
        "org_code": BUREAU,
        "refusal_id": "0001",
        "matter": MATTER,
        "request_kind": RequestKind.APPLICATION,
        "asked_at": MORNING,
        "situation": situation,
        "guidance": GUIDANCE[situation] or NOTICE,
        "confirmation": CONFIRMED,
        "given_by": CLERK,
        **changes,
    }
    return GuidanceGiven(**said)


def supplied(actor: Actor = CLERK, case_id: str = CASE, **changes: Any) -> RefusalSupplied:
    """The clerk supplies what is lacking."""
    return RefusalSupplied(case_id=case_id, actor=actor, **changes)


def withdrawn(confirmation: Confirmation | None = CONFIRMED, case_id: str = CASE, **changes: Any) -> CaseWithdrawn:
    """The window says that the applicant withdraws."""
    return CaseWithdrawn(
        **{"case_id": case_id, "actor": CLERK, "reason": "申请人另行申请。", "confirmation": confirmation, **changes}
    )


def decided(
    tier: Tier, decision: Decision, task_id: str | None = None, actor: Actor | None = None, case_id: str = CASE
) -> TierDecided:
    """An official of a tier acts."""
    usual = {Tier.CLERK: CLERK, Tier.REVIEWER: REVIEWER, Tier.DECISION_MAKER: DECIDER}[tier]
    return TierDecided(case_id=case_id, tier=tier, actor=actor or usual, decision=decision, task_id=task_id)


def by_clerk(decision: Decision, task_id: str | None = None, **more: Any) -> TierDecided:
    """A clerk acts."""
    return decided(Tier.CLERK, decision, task_id, **more)


def by_reviewer(decision: Decision, task_id: str | None = None, **more: Any) -> TierDecided:
    """A reviewer acts."""
    return decided(Tier.REVIEWER, decision, task_id, **more)


def by_decider(decision: Decision, task_id: str | None = None, **more: Any) -> TierDecided:
    """A decision-maker acts."""
    return decided(Tier.DECISION_MAKER, decision, task_id, **more)


def accept(note: str | None = None) -> Accept:
    """予以受理."""
    return Accept(note=note)


def accept_with_supplements(item: str = "住所使用证明", promise: date = date(2026, 11, 30)) -> AcceptWithSupplements:
    """容缺受理."""
    return AcceptWithSupplements(due=SupplementDue(supplements=(Supplement(item=item),), promise_date=promise))


def guide(guidance: Guidance = NOTICE) -> Guide:
    """告知引导, confirmed."""
    return Guide(guidance=guidance, confirmation=CONFIRMED)


def interim(until: datetime = MORNING + timedelta(days=2)) -> Interim:
    """Who is studying what until when."""
    return Interim(who="甲局审批处", what="研究适用标准。", until=until)


def escalate(opinion: ReviewerOpinion = ReviewerOpinion.UPHOLD) -> Escalate:
    """The reviewer's opinion."""
    return Escalate(opinion=opinion, reason="经核实，条件不符。")


def give_back(question: str = "股东是否已补签？") -> Return:
    """Back one level with a question."""
    return Return(question=question)


def consult(*departments: str) -> Consult:
    """Ask departments."""
    return Consult(
        questions=tuple(Question(org_code=code, question="是否同意？") for code in departments or (WATER, FIRE))
    )


def refuse(**changes: Any) -> Refuse:
    """A refusal that has all it needs."""
    said: dict[str, Any] = {
        "legal_basis": BASIS,
        "explanation": "章程须由全体股东签字。",
        "in_person": InPerson(required=False),
        "document_number": "榕甲不受〔2026〕1号",
        "guidance": NOTICE,
        **changes,
    }
    return Refuse(**said)


def redirect(**changes: Any) -> Redirect:
    """告知谁办."""
    return Redirect(**{"guidance": COMPETENT, **changes})


def require_supplements(**changes: Any) -> RequireSupplements:
    """一次性告知补正."""
    return RequireSupplements(**{"guidance": NOTICE, **changes})


def refer() -> Refer:
    """Refer to the government."""
    return Refer(question="部门意见不一致，如何处理？", proposal="建议予以受理。")


def declare(matter_class: MatterClass = MatterClass.SPECIAL, **changes: Any) -> Declare:
    """Another class of matter."""
    if matter_class is MatterClass.MAJOR:
        changes = {"ground": MajorGround.EXPERT_REVIEW, "promise_date": date(2026, 12, 4), **changes}
    return Declare(matter_class=matter_class, reason="情况特殊。", **changes)


def confirm_withdrawal() -> ConfirmWithdrawal:
    """The reviewer has asked the applicant."""
    return ConfirmWithdrawal(how_checked="电话核实，申请人自愿撤回。")


def answer_instruction(instruction_id: str) -> AnswerInstruction:
    """The unit answers the committee."""
    return AnswerInstruction(instruction_id=instruction_id, answer="正在研究。")


def instructed(kind: InstructionKind = InstructionKind.URGE, case_id: str = CASE) -> CommitteeInstructed:
    """The committee urges, questions or convenes."""
    return CommitteeInstructed(case_id=case_id, kind=kind, actor=INSPECTOR, text="请尽快办理并说明情况。")


def replied(
    request_id: str,
    org_code: str = WATER,
    answer: ConsultationAnswer = ConsultationAnswer.AGREE,
    case_id: str = CASE,
    **changes: Any,
) -> ConsultationReplied:
    """A department answers."""
    return ConsultationReplied(
        case_id=case_id,
        request_id=request_id,
        org_code=org_code,
        actor=OFFICER,
        answer=answer,
        reason="不影响行洪。",
        **changes,
    )


def ruled(
    referral_id: str, ruling: Accept | Refuse | Direct, actor: Actor = SECRETARY, case_id: str = CASE
) -> GovernmentDecided:
    """The government rules."""
    return GovernmentDecided(
        case_id=case_id, referral_id=referral_id, actor=actor, minutes_number="〔2026〕专纪8号", ruling=ruling
    )


def told(reply_id: str, at: datetime = MORNING, case_id: str = CASE, **changes: Any) -> ReplyDelivered:
    """The clerk confirms that the applicant was told."""
    return ReplyDelivered(
        case_id=case_id,
        reply_id=reply_id,
        actor=CLERK,
        channel=DeliveryChannel.IN_PERSON,
        delivered_at=at,
        **changes,
    )


def supplements_received(at: datetime = MORNING, case_id: str = CASE) -> SupplementsReceived:
    """The supplements have come in."""
    return SupplementsReceived(case_id=case_id, actor=CLERK, received_at=at)
