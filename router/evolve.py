"""What a fact makes of a case. Total and without judgement: every decision was taken when the fact was made."""

from typing import Any, assert_never

from router.case import (
    AtClerk,
    AtDecisionMaker,
    AtGovernment,
    AtReviewer,
    Case,
    Closed,
    ClosedTask,
    Consulted,
    GivenCard,
    InConsultation,
    Instruction,
    Passing,
    Reply,
    Review,
    Stage,
)
from router.timers import replaced, whole_limit, without
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
    Limit,
    LimitsMoved,
    OpinionGiven,
    ProposalSupplied,
    StatutoryNoticeNear,
    SupervisionNoticed,
    SupplementsCame,
    SupplementsOverdue,
    Task,
    TierPassed,
    TierRestored,
    WithdrawalAsked,
)
from topics.fields import changed, trusted
from topics.inbound import Direct
from topics.parts import Actor
from topics.vocabulary import Card, LimitKind, MatterClass, Outcome, Situation, Tier

# How many closed tasks a case remembers, to answer a late command with what happened meanwhile.
REMEMBERED_TASKS = 20

BUDGET_OF = {
    Tier.CLERK: LimitKind.CLERK_BUDGET,
    Tier.REVIEWER: LimitKind.REVIEWER_BUDGET,
    Tier.DECISION_MAKER: LimitKind.DECISION_MAKER_BUDGET,
}


def evolve(case: Case | None, case_id: str, event: Event) -> Case:
    """The case after one more fact. `case` is None before its first."""
    if case is None:
        return _opened(case_id, event)
    changes = _changes(case, event)
    if case.passing is not None and "stage" in changes:
        # Somebody has acted since: what comes now comes too late to have the case back.
        changes.setdefault("passing", None)
    return changed(case, {"version": case.version + 1, **changes})


def _opened(case_id: str, event: Event) -> Case:
    if isinstance(event, CaseOpened):
        return trusted(Case)(
            case_id=case_id,
            version=1,
            org_code=event.org_code,
            unit_name=event.unit_name,
            centre=event.centre,
            window_party=event.window_party,
            project_no=event.project_no,
            matter=event.matter,
            request_kind=event.request_kind,
            situation=event.situation,
            ground_code=event.ground_code,
            reason=event.reason,
            legal_basis=event.legal_basis,
            guidance=event.guidance,
            proposed_by=event.proposed_by,
            first_asked=event.first_asked,
            fast_response_grounds=event.fast_response_grounds,
            linked_case=event.linked_case,
            applicant_ref=event.applicant_ref,
            asked_at=event.asked_at,
            received_at=event.received_at,
            clock_start=event.clock_start,
            opened_at=event.at,
            late_filing=event.late_filing,
            unfiled=event.unfiled,
            reviewer_skipped=event.reviewer_skipped,
            lacking=event.lacking,
            stage=_first_stage(event),
            tasks=event.tasks,
            proposers=_people(event.proposed_by),
            limits=event.limits,
        )
    if isinstance(event, GuidanceRecorded):
        return trusted(Case)(
            case_id=case_id,
            version=1,
            org_code=event.org_code,
            unit_name=event.unit_name,
            centre=event.centre,
            window_party=event.window_party,
            matter=event.matter,
            request_kind=event.request_kind,
            situation=event.situation,
            guidance=event.guidance,
            proposed_by=event.given_by,
            first_asked=event.given_by,
            applicant_ref=event.applicant_ref,
            asked_at=event.asked_at,
            received_at=event.at,
            clock_start=event.asked_at,
            opened_at=event.at,
            headless=True,
            stage=trusted(Closed)(since=event.at, outcome=Outcome.GUIDED),
        )
    raise ValueError(f"a case does not begin with {event.type}")


def _first_stage(event: CaseOpened) -> Stage:
    tiers = {task.tier for task in event.tasks}
    if Tier.DECISION_MAKER in tiers:
        return trusted(AtDecisionMaker)(since=event.at)
    if Tier.REVIEWER in tiers:
        return trusted(AtReviewer)(since=event.at)
    return trusted(AtClerk)(since=event.at, back_to=Tier.DECISION_MAKER if event.reviewer_skipped else Tier.REVIEWER)


def _people(*actors: Actor | None) -> tuple[str, ...]:
    people = [person for actor in actors if actor for person in (actor.person_id, actor.acting_for) if person]
    return tuple(dict.fromkeys(people))


def _added(people: tuple[str, ...], actor: Actor) -> tuple[str, ...]:
    return tuple(dict.fromkeys(people + _people(actor)))


def _tasks_done(case: Case, event: Event, how: str, tiers: tuple[Tier, ...], by: Actor | None) -> dict[str, Any]:
    """Closes the open tasks of some tiers; the committee's questions stay open till they are answered."""
    kept, closed = [], list(case.closed_tasks)
    for task in case.tasks:
        if task.tier in tiers and task.kind != "answer_instruction":
            closed.append(trusted(ClosedTask)(task_id=task.task_id, tier=task.tier, at=event.at, by=by, how=how))
        else:
            kept.append(task)
    return {"tasks": tuple(kept), "closed_tasks": tuple(closed[-REMEMBERED_TASKS:])}


EVERYBODY = (Tier.CLERK, Tier.REVIEWER, Tier.DECISION_MAKER)


def _changes(case: Case, event: Event) -> dict[str, Any]:
    # The frequent first: a class pattern that does not match costs half a microsecond.
    match event:
        case CaseEscalated():
            # What the clerk still owes stays asked, and the withdrawal unchecked.
            done = _tasks_done(case, event, event.type, (Tier.REVIEWER, Tier.DECISION_MAKER), event.by)
            return {
                **done,
                "tasks": done["tasks"] + event.tasks,
                # An opinion given after the case moved on (R24) leaves it where it is.
                "stage": case.stage if case.holder is Tier.DECISION_MAKER else trusted(AtDecisionMaker)(since=event.at),
                "review": trusted(Review)(by=event.by, opinion=event.opinion, reason=event.reason),
                "reviewers": _added(case.reviewers, event.by),
                "limits": replaced(without(case.limits, LimitKind.REVIEWER_BUDGET), event.limits),
            }
        case CaseDecided():
            return {
                **_tasks_done(case, event, event.type, EVERYBODY, event.by),
                "tasks": tuple(task for task in case.tasks if task.kind == "answer_instruction") + event.tasks,
                "stage": trusted(Closed)(since=event.at, outcome=event.outcome),
                "limits": event.limits,
                "replies": (
                    *case.replies,
                    trusted(Reply)(reply_id=event.reply_id, kind="final", in_person=_in_person(event)),
                ),
                "supplements": event.supplements,
                "guidance": event.guidance or case.guidance,
            }
        case DeliveryConfirmed():
            return {
                "replies": tuple(
                    changed(reply, {"delivered": True}) if reply.reply_id == event.reply_id else reply
                    for reply in case.replies
                ),
                "limits": without(
                    without(case.limits, LimitKind.FAST_RESPONSE), LimitKind.DELIVERY, about=event.reply_id
                ),
            }
        case CardGiven():
            return {"cards": (*case.cards, _card(case, event.card, event.limit, event))}
        case TierPassed():
            done = _tasks_done(case, event, event.type, (event.tier,), None)
            passed: dict[str, Any] = {
                **done,
                "tasks": done["tasks"] + event.tasks,
                "limits": replaced(without(case.limits, BUDGET_OF[event.tier]), event.limits),
                "passed_over": tuple(dict.fromkeys((*case.passed_over, event.tier))),
            }
            if event.tier is case.holder:
                passed["passing"] = _passing(case, event)
                passed["stage"] = (
                    trusted(AtReviewer)(since=event.at)
                    if event.to_tier is Tier.REVIEWER
                    else trusted(AtDecisionMaker)(since=event.at)
                )
            return passed
        case TierRestored():
            return _restored(case, event)
        case ProposalSupplied():
            done = _tasks_done(case, event, event.type, (Tier.CLERK,), event.by)
            ended = [LimitKind.CLERK_BUDGET]
            if event.situation is Situation.OUT_OF_SCOPE:
                # What is not for this unit to accept cannot be deemed accepted by it (R28).
                ended.append(LimitKind.STATUTORY_NOTICE)
            changes: dict[str, Any] = {
                "situation": event.situation or case.situation,
                "ground_code": event.ground_code or case.ground_code,
                "reason": event.reason or case.reason,
                "legal_basis": event.legal_basis or case.legal_basis,
                "guidance": event.guidance or case.guidance,
                "lacking": event.lacking,
                "proposers": _added(case.proposers, event.by),
                "proposed_by": case.proposed_by or event.by,
                "first_asked": case.first_asked or event.first_asked,
                "limits": replaced(without(case.limits, *ended), event.limits),
                **done,
            }
            changes["tasks"] = changes["tasks"] + event.tasks
            match event.back_to:
                case Tier.REVIEWER:
                    changes["stage"] = trusted(AtReviewer)(since=event.at)
                case Tier.DECISION_MAKER:
                    changes["stage"] = trusted(AtDecisionMaker)(since=event.at)
                case _:
                    pass
            return changes
        case CaseReturned():
            done = _tasks_done(case, event, event.type, (Tier.REVIEWER, Tier.DECISION_MAKER), event.by)
            returned: Stage = (
                trusted(AtClerk)(since=event.at, back_to=event.from_tier)
                if event.to_tier is Tier.CLERK
                else trusted(AtReviewer)(since=event.at)
            )
            return {
                **done,
                "tasks": done["tasks"] + event.tasks,
                "stage": returned,
                "limits": replaced(
                    without(case.limits, LimitKind.CLERK_BUDGET, LimitKind.REVIEWER_BUDGET), event.limits
                ),
                "reviewers": _added(case.reviewers, event.by) if event.from_tier is Tier.REVIEWER else case.reviewers,
                # An opinion that the decision-maker sent back is none any more (R02).
                "review": case.review if event.from_tier is Tier.REVIEWER else None,
            }
        case CaseDeclared():
            return _declared(case, event)
        case InterimAnswered():
            return {"replies": (*case.replies, trusted(Reply)(reply_id=event.reply_id, kind="interim"))}
        case WithdrawalAsked():
            return {
                "withdrawal_asked": event.reason,
                "proposers": _added(case.proposers, event.by),
                "tasks": case.tasks + event.tasks,
            }
        case ConsultationAsked():
            return {
                "stage": trusted(InConsultation)(since=event.at, asker=event.tier),
                "consultations": case.consultations
                + tuple(trusted(Consulted)(request=request, asked_by=event.tier) for request in event.requests),
                "reviewers": _added(case.reviewers, event.by) if event.tier is Tier.REVIEWER else case.reviewers,
                "limits": replaced(case.limits, event.limits),
            }
        case OpinionGiven():
            return _opinion(case, event)
        case ConsultationClosed():
            consultations = tuple(
                changed(consulted, {"silent": True}) if consulted.request.request_id == event.request_id else consulted
                for consulted in case.consultations
            )
            return {
                "consultations": consultations,
                "limits": without(case.limits, LimitKind.CONSULTATION, about=event.request_id),
                **_back_to_asker(case, consultations, event),
            }
        case CaseReferred():
            return {"stage": trusted(AtGovernment)(since=event.at, referral_id=event.referral_id)}
        case GovernmentRuled(ruling=ruling):
            if not isinstance(ruling, Direct):
                return {}
            done = _tasks_done(case, event, event.type, (Tier.DECISION_MAKER,), event.by)
            return {**done, "tasks": done["tasks"] + event.tasks, "stage": trusted(AtDecisionMaker)(since=event.at)}
        case InstructionGiven():
            return {
                "instructions": (
                    *case.instructions,
                    trusted(Instruction)(instruction_id=event.instruction_id, kind=event.kind),
                ),
                "limits": replaced(case.limits, event.limits),
                "tasks": case.tasks + event.tasks,
            }
        case InstructionAnswered():
            return {
                "instructions": tuple(
                    changed(instruction, {"answered": True})
                    if instruction.instruction_id == event.instruction_id
                    else instruction
                    for instruction in case.instructions
                ),
                "limits": without(case.limits, LimitKind.INSTRUCTION, about=event.instruction_id),
                "tasks": tuple(task for task in case.tasks if task.task_id != event.instruction_id),
            }
        case SupplementsCame():
            return {
                "supplements": (),
                "limits": without(case.limits, LimitKind.SUPPLEMENTS),
                "tasks": tuple(task for task in case.tasks if task.kind != "follow_up_supplements"),
            }
        case SupplementsOverdue():
            return {"limits": without(case.limits, LimitKind.SUPPLEMENTS), "tasks": case.tasks + event.tasks}
        case CardCorrected():
            return {
                "cards": tuple(
                    changed(card, {"corrected": True})
                    if (card.limit, card.card, card.about) == (event.limit, event.card, event.about)
                    else card
                    for card in case.cards
                )
            }
        case SupervisionNoticed():
            return {"supervised": event.times, "limits": replaced(case.limits, event.limits)}
        case StatutoryNoticeNear():
            return {"cards": (*case.cards, _card(case, Card.YELLOW, LimitKind.STATUTORY_NOTICE, event))}
        case DeemedAccepted():
            return {"cards": (*case.cards, _card(case, Card.RED, LimitKind.STATUTORY_NOTICE, event))}
        case LimitsMoved():
            return {
                "limits": replaced(case.limits, event.limits),
                "tasks": _tasks_moved(case, whole_limit(event.previous), whole_limit(event.limits)),
            }
        case CaseOpened() | GuidanceRecorded():
            raise ValueError(f"{case.case_id} is open already")
        case _:
            assert_never(event)


def _declared(case: Case, event: CaseDeclared) -> dict[str, Any]:
    """The limits move (R22). A limit that is yet to come has cards of its own; one that is over keeps those given."""
    new = whole_limit(event.limits)
    changes: dict[str, Any] = {
        "matter_class": event.matter_class,
        "promised": event.matter_class is MatterClass.MAJOR,
        "limits": replaced(case.limits, event.limits),
        "tasks": _tasks_moved(case, whole_limit(case.limits), new),
    }
    if new is not None and new.due_at > event.at:
        # Somebody has acted: the daily notices end until the new limit is breached (R24).
        changes["limits"] = without(changes["limits"], LimitKind.DECISION_MAKER_BUDGET)
        changes["cards"] = tuple(
            changed(card, {"superseded": True}) if card.limit is LimitKind.APPROVAL else card for card in case.cards
        )
    return changes


def _passing(case: Case, event: TierPassed) -> Passing | None:
    """What the tier had, should it turn out to have acted in time (R29)."""
    kind = BUDGET_OF[event.tier]
    limit = next((limit for limit in case.limits if limit.kind is kind and limit.due_at == event.due_at), None)
    task = case.task(limit.about) if limit and limit.about else None
    if limit is None or task is None:
        return None
    return trusted(Passing)(tier=event.tier, stage=case.stage, task=task, limit=limit, passed_over=case.passed_over)


def _restored(case: Case, event: TierRestored) -> dict[str, Any]:
    """As it was before the tier was passed over; the task of whoever had the case meanwhile is needless."""
    if case.passing is None:
        raise ValueError(f"{case.case_id}: nobody was passed over")
    done = _tasks_done(case, event, event.type, (case.holder,), None)
    return {
        **done,
        "tasks": done["tasks"] + event.tasks,
        "stage": case.passing.stage,
        "limits": replaced(case.limits, event.limits),
        "passed_over": case.passing.passed_over,
        "passing": None,
    }


def _tasks_moved(case: Case, old: Limit | None, new: Limit | None) -> tuple[Task, ...]:
    """The decision-maker's tasks have the whole limit's due time: they move with it."""
    if old is None or new is None:
        return case.tasks
    return tuple(
        changed(task, {"due_at": new.due_at})
        if task.kind in ("decide", "opinions_in") and task.due_at == old.due_at
        else task
        for task in case.tasks
    )


def _in_person(event: CaseDecided) -> bool:
    return event.in_person is not None and event.in_person.required


def _card(
    case: Case, card: Card, limit: LimitKind, event: CardGiven | StatutoryNoticeNear | DeemedAccepted
) -> GivenCard:
    about, fell_due_at = None, None
    match event:
        case CardGiven():
            about, fell_due_at = event.about, event.fell_due_at
        case StatutoryNoticeNear():
            running = case.limit(limit)
            fell_due_at = running.yellow_at if running else None
        case DeemedAccepted():
            pass
    return trusted(GivenCard)(
        card=card, limit=limit, about=about, at=event.at, fell_due_at=fell_due_at or event.due_at, due_at=event.due_at
    )


def _opinion(case: Case, event: OpinionGiven) -> dict[str, Any]:
    consultations = tuple(
        changed(
            consulted,
            {
                "answer": event.answer,
                "reason": event.reason,
                "silent": False,
                "handed_over": consulted.handed_over or event.handed_over is not None,
            },
        )
        if consulted.request.request_id == event.request_id
        else consulted
        for consulted in case.consultations
    )
    if event.handed_over is not None:
        asked_by = next(c.asked_by for c in case.consultations if c.request.request_id == event.request_id)
        consultations += (trusted(Consulted)(request=event.handed_over, asked_by=asked_by),)
    return {
        "consultations": consultations,
        "limits": replaced(without(case.limits, LimitKind.CONSULTATION, about=event.request_id), event.limits),
        **_back_to_asker(case, consultations, event),
    }


def _back_to_asker(
    case: Case, consultations: tuple[Consulted, ...], event: OpinionGiven | ConsultationClosed
) -> dict[str, Any]:
    """When all have answered or were silent, the asker has the case again, with a task that sums it up."""
    changes: dict[str, Any] = {"tasks": case.tasks + event.tasks}
    if isinstance(case.stage, InConsultation) and all(c.answer or c.silent for c in consultations):
        asker = case.stage.asker
        changes["stage"] = (
            trusted(AtReviewer)(since=event.at) if asker is Tier.REVIEWER else trusted(AtDecisionMaker)(since=event.at)
        )
    return changes
