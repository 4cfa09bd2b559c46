"""The Chinese that an applicant, a clerk or a committee reads."""

from datetime import date, datetime

from deadlines import shanghai
from router.case import Case
from router.needs import LACKING
from topics.events import CardGiven, CaseDecided, CaseOpened, InterimAnswered, Limit, Task
from topics.parts import Actor, Guidance, LegalBases
from topics.vocabulary import (
    CHINESE,
    Card,
    ConsultationAnswer,
    LimitKind,
    MatterClass,
    Outcome,
    RequestKind,
    Tier,
    outcome_in_chinese,
)

REMEDIES_OF_APPLICATION = (
    "可以自收到本决定之日起六十日内依法申请行政复议",
    "也可以自收到本决定之日起六个月内依法向人民法院提起行政诉讼",
)
"""行政复议法 §20, 行政诉讼法 §46: they exist against a decision on an application; a demand has none."""


def moment(at: datetime, *, provisional: bool = False) -> str:
    """2026年11月24日17:00, Shanghai time."""
    local = shanghai(at)
    return f"{local.year}年{local.month}月{local.day}日{local:%H:%M}" + (
        "（暂定，以当年节假日通知为准）" if provisional else ""
    )


def person(actor: Actor) -> str:
    """An official as a reply names them."""
    return f"{actor.name}（{actor.post}{'，AB岗代办' if actor.acting_for else ''}）"


def bases(legal_basis: LegalBases) -> str:
    """《中华人民共和国行政许可法》第三十二条；…"""
    return "；".join(f"{_titled(basis.law)}{basis.article}" for basis in legal_basis)


def _titled(law: str) -> str:
    return law if law.startswith("《") else f"《{law}》"


def sentence(text: str) -> str:
    """The text with a full stop, where it has none: what people type does not always end."""
    return text if text.endswith(("。", "！", "？", "；")) else f"{text}。"


def day(text: str) -> str:
    """2026年11月30日, of an ISO date."""
    named = date.fromisoformat(text)
    return f"{named.year}年{named.month}月{named.day}日"


def guidance_lines(guidance: Guidance | None) -> list[str]:
    """What the applicant is to do next, line by line (R10, R11)."""
    if guidance is None:
        return []
    lines = []
    if guidance.competent_unit is not None:
        competent = guidance.competent_unit
        lines.append(f"该事项由{competent.unit}办理。办理方式：{competent.method}。办理路径：{competent.path}。")
        lines.append(f"有关政策：{competent.policy_explained}")
    if guidance.missing:
        lines.append("需要补充或改进的全部内容如下：")
        lines += [f"{number}．{item.item}：{item.how}" for number, item in enumerate(guidance.missing, 1)]
    for label, value in (("办事指南", guidance.guide), ("示范样表", guidance.sample), ("合格标准", guidance.standard)):
        if value:
            lines.append(f"{label}：{value}")
    return lines


def head(event: CaseOpened) -> str:
    """The head filing in a sentence or two (R30)."""
    situation = CHINESE[event.situation] if event.situation else "情形待窗口说明"
    about = f"{event.unit_name}窗口就“{event.matter.task_name}”的{CHINESE[event.request_kind]}"
    if event.unfiled:
        reporter = f"据{person(event.reported_by)}反映，" if event.reported_by else ""
        sentences = [f"{reporter}{about}已作否决（{situation}）而未报备，属漏报，现予立案并启动内部报批，特此报备。"]
        if event.account:
            sentences.append(f"反映情况：{sentence(event.account)}")
    else:
        who = f"，由{person(event.proposed_by)}提出" if event.proposed_by else ""
        sentences = [f"{about}拟作否决（{situation}）{who}，现已启动内部报批，特此报备。"]
    if event.reason:
        sentences.append(f"理由：{sentence(event.reason)}")
    if event.late_filing:
        sentences.append(f"申请人于{moment(event.asked_at)}提出，本报备属迟报。")
    if event.reviewer_skipped:
        sentences.append(f"该单位不设后台审核环节（{event.reviewer_skipped}）。")
    if event.lacking:
        sentences.append(f"窗口尚需补充：{'、'.join(LACKING[name] for name in event.lacking)}。")
    limit = next((limit for limit in event.limits if limit.kind is LimitKind.APPROVAL), None)
    if limit:
        sentences.append(f"报批时限至{moment(limit.due_at, provisional=limit.provisional)}。")
    return "".join(sentences)


def task(case: Case, opened: Task) -> str:
    """What a tier is asked to do."""
    about = f"“{case.matter.task_name}”（{CHINESE[case.request_kind]}，{CHINESE[case.situation] if case.situation else '情形待说明'}）"
    match opened.kind:
        case "supply":
            asked = f"请补充或说明：{about}。"
            if opened.question:
                asked += f"问题：{sentence(opened.question)}"
            if opened.lacking:
                asked += f"尚缺：{'、'.join(LACKING[name] for name in opened.lacking)}。"
        case "review":
            asked = f"请审核窗口拟否决事项：{about}。"
            if opened.question:
                asked += f"审批决定人员退回，问题：{sentence(opened.question)}"
        case "decide":
            asked = f"请决定窗口拟否决事项：{about}。"
            if case.review:
                asked += f"审核意见：{CHINESE[case.review.opinion]}，{sentence(case.review.reason)}"
            elif case.reviewer_skipped is None:
                asked += "后台审核人员未在时限内提出意见；如拟否决，须先取得审核人员或其AB岗意见。"
            if opened.question:
                asked += f"本级政府意见：{sentence(opened.question)}"
        case "check_withdrawal":
            asked = f"窗口反映申请人要求撤回，但没有可核验的确认：{about}。请向申请人本人核实是否自愿撤回，不得劝退。"
            if opened.question:
                asked += f"窗口所述原因：{sentence(opened.question)}"
        case "opinions_in":
            asked = f"被征询部门已全部答复或逾期未答：{about}。{opinions(case)}"
        case "follow_up_supplements":
            asked = (
                f"容缺受理的补正期限已过：{about}。请联系申请人跟进；不得据此直接否决，如需否决请另行提出并关联本事项。"
            )
        case "answer_instruction":
            asked = (
                f"服务中心管委会督办：{about}。{sentence(opened.question) if opened.question else ''}请在时限内答复。"
            )
    if opened.due_at:
        limit = next((limit for limit in case.limits if limit.due_at == opened.due_at), None)
        asked += f"请于{moment(opened.due_at, provisional=limit is not None and limit.provisional)}前办理。"
    return asked


def opinions(case: Case) -> str:
    """Each department's answer, silence as silence (R14)."""
    said = []
    for consulted in case.consultations:
        if consulted.handed_over and consulted.answer is ConsultationAnswer.NOT_COMPETENT:
            said.append(f"{consulted.request.unit_name}：非本部门职责，已转交")
        elif consulted.answer:
            said.append(f"{consulted.request.unit_name}：{CHINESE[consulted.answer]}（{consulted.reason}）")
        elif consulted.silent:
            said.append(f"{consulted.request.unit_name}：逾期未答复（不视为同意或反对）")
        else:
            said.append(f"{consulted.request.unit_name}：尚未答复")
    return "；".join(said) + "。" if said else ""


def tail(case: Case, event: CaseDecided, cards: tuple[str, ...]) -> str:
    """The tail filing in a sentence or two (R31)."""
    outcome = outcome_in_chinese(event.outcome, case.request_kind)
    by = ""
    if event.by_government:
        by = f"，由本级政府研究决定（{event.by_government}）"
    elif event.by and event.outcome is not Outcome.WITHDRAWN:
        by = f"，由{person(event.by)}{'办理' if event.tier is Tier.CLERK else '决定'}"
    sentences = [f"{case.unit_name}窗口拟否决事项“{case.matter.task_name}”已办结：{outcome}{by}。"]
    if event.reason:
        sentences.append(f"原因：{sentence(event.reason)}")
    if event.confirmation:
        sentences.append(f"申请人确认方式：{CHINESE[event.confirmation.method]}（{event.confirmation.reference}）。")
    elif event.outcome is Outcome.WITHDRAWN and event.by and event.note:
        sentences.append(f"由{person(event.by)}向申请人核实：{sentence(event.note)}")
    if event.outcome is Outcome.REFUSED:
        sentences.append(f"法律依据：{bases(event.legal_basis)}。理由：{sentence(event.explanation or '')}")
        if event.document_number:
            sentences.append(f"文书文号：{event.document_number}。")
    if event.supplements:
        items = "、".join(item.item for item in event.supplements)
        sentences.append(f"应于{day(event.promise_date or '')}前补齐：{items}。")
    if case.review:
        sentences.append(f"审核意见：{CHINESE[case.review.opinion]}（{person(case.review.by)}）。")
    elif case.reviewer_skipped:
        sentences.append(f"该单位不设后台审核环节（{case.reviewer_skipped}）。")
    if event.departs_from:
        settled = outcome_in_chinese(event.departs_from, case.request_kind)
        sentences.append(f"同类事项既往多为{settled}，本次不同的理由：{sentence(event.departure_reason or '')}")
    sentences.append("在时限内办结。" if event.in_time else "超出时限办结。")
    if cards:
        sentences.append(f"期间记录：{'、'.join(cards)}。")
    if case.consultations:
        sentences.append(f"部门意见：{opinions(case)}")
    return "".join(sentences)


def final_reply(case: Case, event: CaseDecided) -> str:
    """What the applicant is told: the result, why, and what to do next (R03, R06, R10 to R12)."""
    outcome = outcome_in_chinese(event.outcome, case.request_kind)
    about = f"您提出的“{case.matter.task_name}”{CHINESE[case.request_kind]}"
    lines = []
    match event.outcome:
        case Outcome.ACCEPTED:
            lines.append(f"{about}，经研究，{outcome}。")
        case Outcome.ACCEPTED_WITH_SUPPLEMENTS:
            lines.append(f"{about}，先行{outcome}。请于{day(event.promise_date or '')}前补齐以下材料：")
            lines += [f"{number}．{item.item}" for number, item in enumerate(event.supplements, 1)]
        case Outcome.REFUSED:
            lines.append(f"{about}，经逐级报批，决定{outcome}。")
            if event.document_number:
                lines.append(f"文书文号：{event.document_number}")
            lines.append(f"法律依据：{bases(event.legal_basis)}")
            lines.append(f"理由：{sentence(event.explanation or '')}")
            lines += guidance_lines(event.guidance)
            lines += remedies(case, event)
        case Outcome.REDIRECTED:
            lines.append(f"{about}，不属于本单位受理范围，现告知您办理的方法和路径。")
            lines += guidance_lines(event.guidance)
        case Outcome.SUPPLEMENTS_REQUIRED:
            lines.append(f"{about}，尚需补正，现一次性告知全部内容。")
            lines += guidance_lines(event.guidance)
        case Outcome.GUIDED:
            lines.append(f"{about}，已向您告知办理方法并经您确认。")
            lines += guidance_lines(event.guidance)
        case Outcome.WITHDRAWN:
            lines.append(f"{about}，已按您的意愿撤回。您可以随时重新提出。")
    if event.note and event.outcome is not Outcome.WITHDRAWN:
        lines.append(sentence(event.note))
    if event.in_person and event.in_person.required and event.in_person.by:
        lines.append(f"{person(event.in_person.by)}将当面向您作出解释。")
    if case.first_asked:
        lines.append(f"首问责任人：{person(case.first_asked)}。如有疑问，可向其询问。")
    return "\n".join(lines)


def remedies(case: Case, event: CaseDecided) -> list[str]:
    """The remedies with their time limits, where they exist: against the refusal of an application (R03)."""
    named = (
        (*REMEDIES_OF_APPLICATION, *event.remedies) if case.request_kind is RequestKind.APPLICATION else event.remedies
    )
    return [f"如不服本决定，{'，'.join(named)}。"] if named else []


def interim_reply(case: Case, event: InterimAnswered) -> str:
    """Who is studying what until when (R23)."""
    lines = [
        f"您提出的“{case.matter.task_name}”{CHINESE[case.request_kind]}，目前由{event.who}研究：{sentence(event.what)}"
        f"将于{moment(event.until)}前答复您。"
    ]
    if case.first_asked:
        lines.append(f"首问责任人：{person(case.first_asked)}。")
    return "\n".join(lines)


def card(case: Case, event: CardGiven) -> str:
    """A yellow or red card (R27)."""
    what = "即将到期" if event.card is Card.YELLOW else "已超期"
    holder = f"，现由{CHINESE[event.holder]}办理（自{moment(event.held_since)}起）" if event.holder else ""
    behind = "（平台处理滞后，如事后查明按时办结将予更正）" if event.router_behind else ""
    return (
        f"{CHINESE[event.card]}：{event.holder_name}“{case.matter.task_name}”的{CHINESE[event.limit]}{what}，"
        f"时限为{moment(event.due_at, provisional=event.provisional)}{holder}。{behind}"
    )


def cards(case: Case) -> tuple[str, ...]:
    """The cards that stand in the record."""
    return tuple(f"{CHINESE[given.limit]}{CHINESE[given.card]}" for given in case.cards if not given.corrected)


def declared(case: Case, matter_class: MatterClass, limit: Limit | None) -> str:
    """A declaration, for the committee."""
    until = f"，时限至{moment(limit.due_at, provisional=limit.provisional)}" if limit else ""
    return f"{case.unit_name}“{case.matter.task_name}”认定为{CHINESE[matter_class]}{until}。"
