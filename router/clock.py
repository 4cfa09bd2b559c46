"""What time does to a case: it warns, exposes and moves on; it never refuses or grants (R24, R26 to R28)."""

from typing import assert_never

from router import limits
from router.case import AtClerk, Case
from router.clerk import onward
from router.consulting import summary
from router.context import CalendarChanged, Command, Context, LimitsDue
from router.evolve import evolve
from router.tasks import next_decision
from router.timers import Timer, next_timer, whole_limit
from topics.events import (
    CardGiven,
    ConsultationClosed,
    DeemedAccepted,
    Event,
    Limit,
    LimitsMoved,
    StatutoryNoticeNear,
    SupervisionNoticed,
    SupplementsOverdue,
    Task,
    TierPassed,
)
from topics.vocabulary import Card, LimitKind, Tier

# One command fires at most so many timers of a case; the desk asks again for the rest.
MOST_AT_ONCE = 50


def limits_due(case: Case, due: LimitsDue, command: Command, context: Context) -> list[Event]:
    """Everything of the case that is due, in due order, however late it is noticed."""
    events: list[Event] = []
    for _ in range(MOST_AT_ONCE):
        timer = next_timer(case)
        if timer is None or timer.at > due.until:
            break
        fired = _fire(case, timer, context)
        for event in fired:
            case = evolve(case, case.case_id, event)
        events += fired
    return events


def calendar_changed(case: Case, change: CalendarChanged, command: Command, context: Context) -> list[Event]:
    """R26: open due times are worked out again; a card once given stays."""
    time = context.working_time[case.centre]
    before = tuple(limit for limit in case.limits if not case.card(limit.kind, Card.RED, limit.about))
    pairs = [(limit, limits.moved(limit, context, time)) for limit in before]
    changed = [(old, new) for old, new in pairs if new is not old]
    if not changed:
        return []
    return [
        LimitsMoved(
            at=context.now,
            calendar=time.version,
            limits=tuple(new for _, new in changed),
            previous=tuple(old for old, _ in changed),
        )
    ]


def _fire(case: Case, timer: Timer, context: Context) -> list[Event]:
    limit = timer.limit
    time = context.working_time[case.centre]
    match limit.kind:
        case LimitKind.APPROVAL:
            card = _card(case, timer, context)
            if timer.card is Card.YELLOW:
                return [card]
            return [
                card,
                SupervisionNoticed(
                    at=context.now,
                    times=1,
                    due_at=limit.due_at,
                    limits=(limits.supervision(context, time),),
                ),
            ]
        case LimitKind.FAST_RESPONSE | LimitKind.INSTRUCTION | LimitKind.DELIVERY:
            return [_card(case, timer, context)]
        case LimitKind.STATUTORY_NOTICE:
            if timer.card is Card.YELLOW:
                return [StatutoryNoticeNear(at=context.now, due_at=limit.due_at)]
            return [DeemedAccepted(at=context.now, due_at=limit.due_at)]
        case LimitKind.CLERK_BUDGET:
            return [_pass_clerk(case, timer, context)]
        case LimitKind.REVIEWER_BUDGET:
            return [_pass_reviewer(case, timer, context)]
        case LimitKind.DECISION_MAKER_BUDGET:
            whole = whole_limit(case.limits)
            due_at = whole.due_at if whole else limit.due_at
            return [
                SupervisionNoticed(
                    at=context.now,
                    times=case.supervised + 1,
                    due_at=due_at,
                    limits=(limits.supervision(context, time),),
                )
            ]
        case LimitKind.SUPPLEMENTS:
            return [_supplements_overdue(case, timer, context)]
        case LimitKind.CONSULTATION:
            return _consultation(case, timer, context)
        case _:
            assert_never(limit.kind)


def _card(case: Case, timer: Timer, context: Context) -> CardGiven:
    """Who holds the case is named, and since when (R27)."""
    holder = case.holder
    unit = context.directory.unit(case.org_code)
    return CardGiven(
        at=context.now,
        card=timer.card,
        limit=timer.limit.kind,
        about=timer.limit.about,
        fell_due_at=timer.at,
        due_at=timer.limit.due_at,
        holder=holder,
        holder_name=unit.name if unit else case.unit_name,
        held_since=case.stage.since,
        provisional=timer.limit.provisional,
        router_behind=context.router_behind,
    )


def _pass_clerk(case: Case, timer: Timer, context: Context) -> TierPassed:
    """The clerk did not supply: the case goes on with what there is."""
    unit = context.directory.unit(case.org_code)
    tasks: tuple[Task, ...] = ()
    running: tuple[Limit, ...] = ()
    to_tier = case.holder
    if isinstance(case.stage, AtClerk):
        if unit is None:
            to_tier = case.stage.back_to
        else:
            to_tier, tasks, running = onward(case, unit, case.situation, case.ground_code, context)
    return TierPassed(
        at=context.now,
        tier=Tier.CLERK,
        to_tier=to_tier,
        since=timer.limit.starts_at,
        due_at=timer.limit.due_at,
        limits=running,
        tasks=tasks,
    )


def _pass_reviewer(case: Case, timer: Timer, context: Context) -> TierPassed:
    """The reviewer did not act: the decision-maker has the case, and may say yes; a refusal still needs an opinion."""
    return TierPassed(
        at=context.now,
        tier=Tier.REVIEWER,
        to_tier=Tier.DECISION_MAKER,
        since=timer.limit.starts_at,
        due_at=timer.limit.due_at,
        tasks=(next_decision(case, context),),
    )


def _supplements_overdue(case: Case, timer: Timer, context: Context) -> SupplementsOverdue:
    """R12: an alert and a task, never a refusal; a refusal then is a new, linked case."""
    task = Task(
        task_id=f"{case.case_id}.{case.version + 1}.follow",
        tier=Tier.CLERK,
        kind="follow_up_supplements",
        opened_at=context.now,
    )
    return SupplementsOverdue(at=context.now, due_at=timer.limit.due_at, tasks=(task,))


def _consultation(case: Case, timer: Timer, context: Context) -> list[Event]:
    limit = timer.limit
    consulted = next((c for c in case.consultations if c.request.request_id == limit.about), None)
    if consulted is None or limit.about is None:
        return []
    card = CardGiven(
        at=context.now,
        card=timer.card,
        limit=LimitKind.CONSULTATION,
        about=limit.about,
        fell_due_at=timer.at,
        due_at=limit.due_at,
        holder_name=consulted.request.unit_name,
        held_since=limit.starts_at,
        provisional=limit.provisional,
        router_behind=context.router_behind,
    )
    if timer.card is Card.YELLOW:
        return [card]
    closed = ConsultationClosed(
        at=context.now,
        request_id=limit.about,
        org_code=consulted.request.question.org_code,
        unit_name=consulted.request.unit_name,
        due_at=limit.due_at,
        tasks=summary(evolve(case, case.case_id, card), limit.about, context),
    )
    return [card, closed]
