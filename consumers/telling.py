"""A case told as a person would read it, in Chinese: each step, who, in what post, when, and why (R33, R35)."""

from collections.abc import Iterator

from deadlines import shanghai
from router import wording
from router.case import Case
from topics.events import (
    CardCorrected,
    CardGiven,
    CaseDecided,
    CaseDeclared,
    CaseEscalated,
    CaseOpened,
    CaseReferred,
    CaseReturned,
    ConsultationAsked,
    ConsultationClosed,
    DeemedAccepted,
    DeliveryConfirmed,
    Event,
    GovernmentRuled,
    GuidanceRecorded,
    InstructionAnswered,
    InstructionGiven,
    InterimAnswered,
    LimitsMoved,
    OpinionGiven,
    ProposalSupplied,
    StatutoryNoticeNear,
    SupervisionNoticed,
    SupplementsCame,
    SupplementsOverdue,
    TierPassed,
    TierRestored,
    WithdrawalAsked,
)
from topics.vocabulary import CHINESE, LimitKind, outcome_in_chinese


def told(case: Case, events: list[Event]) -> Iterator[str]:
    """The case line by line."""
    yield f"事项 {case.case_id}　{case.unit_name}　{case.matter.task_name}（{CHINESE[case.request_kind]}）"
    for number, event in enumerate(events, 1):
        at = shanghai(event.at)
        yield f"{number:>3}．{at:%Y-%m-%d %H:%M:%S}　{step(case, event)}"
    if case.open:
        yield f"目前：{CHINESE[case.stage.name]}，由{CHINESE[case.holder]}办理。"
    limit = case.limit(LimitKind.APPROVAL)
    if limit is not None and case.open:
        yield f"报批时限：{wording.moment(limit.due_at, provisional=limit.provisional)}（{limit.rule}）。"


def step(case: Case, event: Event) -> str:
    """One step in one sentence."""
    match event:
        case CaseOpened():
            return wording.head(event) + "【首报备】"
        case GuidanceRecorded():
            return f"{wording.person(event.given_by)}告知引导，申请人已确认（{CHINESE[event.confirmation.method]}{event.confirmation.reference}）。"
        case ProposalSupplied():
            return f"{wording.person(event.by)}补充说明。{event.answer or ''}"
        case CaseReturned():
            return f"{wording.person(event.by)}退回{CHINESE[event.to_tier]}：{event.question}"
        case CaseEscalated():
            return f"{wording.person(event.by)}审核：{CHINESE[event.opinion]}。{event.reason}"
        case TierPassed():
            return f"{CHINESE[event.tier]}未在{wording.moment(event.due_at)}前办理，自动转{CHINESE[event.to_tier]}。"
        case TierRestored():
            return f"更正：{CHINESE[event.tier]}系{wording.moment(event.received_at)}按时办理，恢复由其办理。"
        case CaseDeclared():
            ground = f"（{CHINESE[event.ground]}）" if event.ground else ""
            return f"{wording.person(event.by)}认定为{CHINESE[event.matter_class]}{ground}：{event.reason}"
        case InterimAnswered():
            return f"{wording.person(event.by)}先行答复：{event.who}研究{event.what}，至{wording.moment(event.until)}。"
        case CaseDecided():
            by = (
                f"{event.by_government}（本级政府）"
                if event.by_government
                else (wording.person(event.by) if event.by else "")
            )
            why = f"理由：{event.explanation}" if event.explanation else (event.note or event.reason or "")
            return f"{by}决定：{outcome_in_chinese(event.outcome, case.request_kind)}。{why}【尾报备】"
        case WithdrawalAsked():
            return f"{wording.person(event.by)}报告申请人拟撤回，待后台核实：{event.reason}"
        case ConsultationAsked():
            asked = "、".join(request.unit_name for request in event.requests)
            return f"{wording.person(event.by)}征询意见：{asked}。"
        case OpinionGiven():
            again = "更正答复" if event.corrected else "答复"
            return f"{event.unit_name}{wording.person(event.by)}{again}：{CHINESE[event.answer]}。{event.reason}"
        case ConsultationClosed():
            return f"{event.unit_name}逾期未答复（不视为同意或反对）。"
        case CaseReferred():
            return f"{wording.person(event.by)}报请{event.government}研究：{event.question}"
        case GovernmentRuled():
            return f"本级政府答复（{event.minutes_number}），{wording.person(event.by)}。"
        case InstructionGiven():
            return f"管委会{wording.person(event.by)}{CHINESE[event.kind]}：{event.text}"
        case InstructionAnswered():
            return f"{wording.person(event.by)}答复督办：{event.answer}"
        case DeliveryConfirmed():
            return f"{wording.person(event.by)}确认已送达申请人（{CHINESE[event.channel]}，{wording.moment(event.delivered_at)}）。"
        case SupplementsCame():
            return f"{wording.person(event.by)}收到补正材料。"
        case SupplementsOverdue():
            return f"补正期限（{wording.moment(event.due_at)}）已过，提醒跟进。"
        case CardGiven():
            return wording.card(case, event)
        case CardCorrected():
            return f"更正：{CHINESE[event.limit]}{CHINESE[event.card]}不予计入，办理系{wording.moment(event.received_at)}按时收到。"
        case SupervisionNoticed():
            return f"超期未决定，向管委会发出第{event.times}次督办提示。"
        case StatutoryNoticeNear():
            return f"一次性告知法定期限将于{wording.moment(event.due_at)}届满。"
        case DeemedAccepted():
            return "逾期未一次性告知，依法视为受理（已报告）。"
        case LimitsMoved():
            moved = "；".join(
                f"{CHINESE[limit.kind]}改为{wording.moment(limit.due_at, provisional=limit.provisional)}"
                for limit in event.limits
            )
            return f"节假日安排调整，{moved}。"
        case _:
            return event.type
