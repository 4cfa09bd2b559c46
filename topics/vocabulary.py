"""The words of the opinion (榕政办〔2016〕224号), each with the Chinese an official reads."""

from enum import StrEnum


class Tier(StrEnum):
    """Who may act on a case inside a unit, lowest first (五(二))."""

    CLERK = "clerk"
    REVIEWER = "reviewer"
    DECISION_MAKER = "decision_maker"


class Situation(StrEnum):
    """Why the window wants to say no (二(一) to 二(三); R10, R11, R13)."""

    OUT_OF_SCOPE = "out_of_scope"
    CONDITIONS_NOT_MET = "conditions_not_met"
    GREY_AREA = "grey_area"


class RequestKind(StrEnum):
    """An application gets 不予受理 when refused, a demand 不予支持 (R03)."""

    APPLICATION = "application"
    DEMAND = "demand"


class MatterClass(StrEnum):
    """Which limit the whole approval has: 1 working day, 2, or the promised date (R20 to R22)."""

    GENERAL = "general"
    SPECIAL = "special"
    MAJOR = "major"


class Outcome(StrEnum):
    """How a case can end."""

    ACCEPTED = "accepted"
    ACCEPTED_WITH_SUPPLEMENTS = "accepted_with_supplements"
    GUIDED = "guided"
    REDIRECTED = "redirected"
    SUPPLEMENTS_REQUIRED = "supplements_required"
    REFUSED = "refused"
    WITHDRAWN = "withdrawn"


class FastResponseGround(StrEnum):
    """What puts a case under the one-working-day answer (三(二), R23)."""

    LAW_UNCLEAR = "law_unclear"
    NON_STANDARD = "non_standard"
    SEVERAL_DEPARTMENTS = "several_departments"


class ConfirmationMethod(StrEnum):
    """What counts as the applicant's verifiable confirmation (R05, R09)."""

    SIGNED_SLIP = "signed_slip"
    PHONE_CODE = "phone_code"
    RECORDED_CALL = "recorded_call"


class DeliveryChannel(StrEnum):
    """How an applicant was told (R38)."""

    IN_PERSON = "in_person"
    PHONE = "phone"
    SMS = "sms"
    APP = "app"
    POST = "post"


class ReviewerOpinion(StrEnum):
    """What a reviewer tells the decision-maker about the clerk's proposal (R02)."""

    UPHOLD = "uphold"
    OVERTURN = "overturn"


class MajorGround(StrEnum):
    """The only two grounds on which the opinion lifts the limits (五(二), R22)."""

    PROFESSIONAL_STUDY = "professional_study"
    EXPERT_REVIEW = "expert_review"


class ConsultationAnswer(StrEnum):
    """What an asked department may say; silence is none of these (R14)."""

    AGREE = "agree"
    OBJECT = "object"
    NOT_COMPETENT = "not_competent"
    NEED_MORE = "need_more"


class InstructionKind(StrEnum):
    """What the committee may do; deciding is not among it (R37)."""

    URGE = "urge"
    QUESTION = "question"
    CONVENE = "convene"


class LimitKind(StrEnum):
    """Which period a timer or a card belongs to."""

    APPROVAL = "approval"
    FAST_RESPONSE = "fast_response"
    STATUTORY_NOTICE = "statutory_notice"
    CLERK_BUDGET = "clerk_budget"
    REVIEWER_BUDGET = "reviewer_budget"
    DECISION_MAKER_BUDGET = "decision_maker_budget"
    SUPPLEMENTS = "supplements"
    CONSULTATION = "consultation"
    INSTRUCTION = "instruction"
    DELIVERY = "delivery"


class Card(StrEnum):
    """Yellow: a limit nearly used up. Red: breached (R27)."""

    YELLOW = "yellow"
    RED = "red"


class StageName(StrEnum):
    """Where a case stands."""

    AT_CLERK = "at_clerk"
    AT_REVIEWER = "at_reviewer"
    AT_DECISION_MAKER = "at_decision_maker"
    IN_CONSULTATION = "in_consultation"
    AT_GOVERNMENT = "at_government"
    CLOSED = "closed"


CHINESE: dict[StrEnum, str] = {
    Tier.CLERK: "窗口受理人员",
    Tier.REVIEWER: "后台审核人员",
    Tier.DECISION_MAKER: "审批决定人员",
    Situation.OUT_OF_SCOPE: "不属于受理范围",
    Situation.CONDITIONS_NOT_MET: "不符合申请条件",
    Situation.GREY_AREA: "模糊地带、空白领域",
    RequestKind.APPLICATION: "申请",
    RequestKind.DEMAND: "诉求",
    MatterClass.GENERAL: "一般事项",
    MatterClass.SPECIAL: "特殊事项",
    MatterClass.MAJOR: "重大疑难事项",
    Outcome.ACCEPTED: "予以受理",
    Outcome.ACCEPTED_WITH_SUPPLEMENTS: "容缺受理",
    Outcome.GUIDED: "告知引导",
    Outcome.REDIRECTED: "告知谁办",
    Outcome.SUPPLEMENTS_REQUIRED: "一次性告知补正",
    Outcome.REFUSED: "不予受理",
    Outcome.WITHDRAWN: "申请人撤回",
    FastResponseGround.LAW_UNCLEAR: "法律法规和规范性文件规定不明确",
    FastResponseGround.NON_STANDARD: "非标准化要求",
    FastResponseGround.SEVERAL_DEPARTMENTS: "涉及多个部门",
    ConfirmationMethod.SIGNED_SLIP: "申请人签字确认单",
    ConfirmationMethod.PHONE_CODE: "申请人手机验证码",
    ConfirmationMethod.RECORDED_CALL: "通话录音",
    DeliveryChannel.IN_PERSON: "当面",
    DeliveryChannel.PHONE: "电话",
    DeliveryChannel.SMS: "短信",
    DeliveryChannel.APP: "手机端",
    DeliveryChannel.POST: "邮寄",
    ReviewerOpinion.UPHOLD: "维持窗口意见",
    ReviewerOpinion.OVERTURN: "不同意窗口意见",
    MajorGround.PROFESSIONAL_STUDY: "需开展专业性研究",
    MajorGround.EXPERT_REVIEW: "需开展专家论证",
    ConsultationAnswer.AGREE: "同意",
    ConsultationAnswer.OBJECT: "不同意",
    ConsultationAnswer.NOT_COMPETENT: "非本部门职责",
    ConsultationAnswer.NEED_MORE: "需补充情况",
    InstructionKind.URGE: "催办",
    InstructionKind.QUESTION: "督办",
    InstructionKind.CONVENE: "协调",
    LimitKind.APPROVAL: "报批时限",
    LimitKind.FAST_RESPONSE: "快速反应时限",
    LimitKind.STATUTORY_NOTICE: "一次性告知法定期限",
    LimitKind.CLERK_BUDGET: "窗口补充时限",
    LimitKind.REVIEWER_BUDGET: "审核时限",
    LimitKind.DECISION_MAKER_BUDGET: "决定时限",
    LimitKind.SUPPLEMENTS: "容缺补正期限",
    LimitKind.CONSULTATION: "征询答复时限",
    LimitKind.INSTRUCTION: "督办答复时限",
    LimitKind.DELIVERY: "答复送达时限",
    Card.YELLOW: "黄牌",
    Card.RED: "红牌",
    StageName.AT_CLERK: "窗口补充",
    StageName.AT_REVIEWER: "后台审核",
    StageName.AT_DECISION_MAKER: "审批决定",
    StageName.IN_CONSULTATION: "征询部门意见",
    StageName.AT_GOVERNMENT: "报本级政府研究",
    StageName.CLOSED: "已办结",
}


def refusal_in_chinese(kind: RequestKind) -> str:
    """不予受理 for an application, 不予支持 for a demand (R03)."""
    return "不予受理" if kind is RequestKind.APPLICATION else "不予支持"


def outcome_in_chinese(outcome: Outcome, kind: RequestKind) -> str:
    """The outcome as a filing or a reply names it; a demand is 予以办理 or 不予支持, never 受理."""
    if outcome is Outcome.REFUSED:
        return refusal_in_chinese(kind)
    if outcome is Outcome.ACCEPTED and kind is RequestKind.DEMAND:
        return "予以办理"
    if outcome is Outcome.ACCEPTED_WITH_SUPPLEMENTS and kind is RequestKind.DEMAND:
        return "容缺办理"
    return CHINESE[outcome]
