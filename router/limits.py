"""The periods of a case, worked out by `deadlines`: how long the opinion and the policy let each thing take."""

from datetime import UTC, date, datetime, timedelta
from functools import lru_cache

from deadlines import (
    SHANGHAI,
    Counting,
    DueTime,
    Reckoning,
    add_working_seconds,
    next_opening,
    shanghai,
    share_of_limit,
    working_days_due,
    working_seconds_between,
)
from router.context import Context, WorkingTime
from topics.directory import Unit
from topics.events import Limit
from topics.record import changed
from topics.vocabulary import LimitKind, MatterClass

HOUR = 3600
# A budget that would be over before it began still leaves a person this long.
LEAST_BUDGET_SECONDS = 30 * 60
# How many periods are remembered: days are worked out once for all that starts in the same minute.
MOST_REMEMBERED = 100_000


def _in_days(
    kind: LimitKind,
    start: datetime,
    days: int,
    reckoning: Reckoning,
    rule: str,
    context: Context,
    time: WorkingTime,
    *,
    about: str | None = None,
    cards: bool = True,
    statutory: bool = False,
) -> Limit:
    minute = int(start.timestamp()) // 60
    due_at, provisional, yellow_at = _days_from(minute, days, reckoning, time, context.policy.yellow_share, statutory)
    return Limit(
        kind=kind,
        starts_at=start,
        due_at=due_at,
        yellow_at=yellow_at if cards else None,
        provisional=provisional,
        rule=rule,
        about=about,
        days=days,
        reckoning=reckoning,
        calendar=time.version,
    )


@lru_cache(MOST_REMEMBERED)
def _days_from(
    minute: int, days: int, reckoning: Reckoning, time: WorkingTime, share: float, statutory: bool
) -> tuple[datetime, bool, datetime]:
    """When it is due, whether that is provisional, and when that share of it is used up."""
    start = datetime.fromtimestamp(minute * 60, UTC)
    due = DueTime.reckon(start, days, time.calendar, time.hours, reckoning, "R25", statutory)
    return due.due, due.provisional, share_of_limit(start, due.due, share, time.calendar, time.hours)


def approval(
    start: datetime, matter_class: MatterClass, unit: Unit, context: Context, time: WorkingTime, *, needs_study: bool
) -> Limit:
    """Head to decision: 1 working day, 2 for special matters (R20, R21); the same day where no study is needed."""
    if not needs_study and matter_class is MatterClass.GENERAL:
        return _in_days(LimitKind.APPROVAL, start, 0, "same_day", "R20", context, time)
    special = matter_class is MatterClass.SPECIAL
    days, rule = (context.policy.special_days, "R21") if special else (context.policy.general_days, "R20")
    return _in_days(LimitKind.APPROVAL, start, days, _counting(unit), rule, context, time)


def promised(day: date, context: Context, time: WorkingTime, start: datetime) -> Limit:
    """The promised date of a major and difficult matter (R22)."""
    limit = _on_day(LimitKind.APPROVAL, day, "R22", context, time)
    yellow = share_of_limit(start, limit.due_at, context.policy.yellow_share, time.calendar, time.hours)
    return changed(limit, {"yellow_at": yellow})


def fast_response(start: datetime, unit: Unit, context: Context, time: WorkingTime) -> Limit:
    """An answer within 1 working day, final or interim (R23)."""
    days = context.policy.fast_response_days
    return _in_days(LimitKind.FAST_RESPONSE, start, days, _counting(unit), "R23", context, time)


def statutory_notice(start: datetime, context: Context, time: WorkingTime) -> Limit:
    """Five working days for a one-time notice, else the application counts as accepted (R28)."""
    days = context.policy.statutory_notice_days
    return _in_days(LimitKind.STATUTORY_NOTICE, start, days, "next_calendar_day", "R28", context, time, statutory=True)


def supplements(day: date, context: Context, time: WorkingTime) -> Limit:
    """Closing time of the supplements' date (R12)."""
    return _on_day(LimitKind.SUPPLEMENTS, day, "R12", context, time)


def _on_day(kind: LimitKind, day: date, rule: str, context: Context, time: WorkingTime) -> Limit:
    """Closing time of a named day, or of the next working day (民法典 §203)."""
    start = datetime(day.year, day.month, day.day, tzinfo=SHANGHAI).astimezone(UTC)
    return _in_days(kind, start, 0, "named_day", rule, context, time, cards=False)


def instruction(instruction_id: str, context: Context, time: WorkingTime) -> Limit:
    """When the unit owes the committee an answer (R37)."""
    days = context.policy.instruction_days
    return _in_days(
        LimitKind.INSTRUCTION,
        context.now,
        days,
        "next_calendar_day",
        "R37",
        context,
        time,
        about=instruction_id,
        cards=False,
    )


def delivery(reply_id: str, context: Context, time: WorkingTime) -> Limit:
    """By when the applicant is to have been told of a decision (R38)."""
    days = context.policy.delivery_days
    return _in_days(LimitKind.DELIVERY, context.now, days, "next_calendar_day", "R38", context, time, about=reply_id)


def clerk_budget(task_id: str, unit: Unit, context: Context, time: WorkingTime) -> Limit:
    """What a clerk has for an answer, in working hours (R24)."""
    return _budget(LimitKind.CLERK_BUDGET, task_id, unit.policy.clerk_hours, None, context, time)


def reviewer_budget(task_id: str, unit: Unit, whole: Limit | None, context: Context, time: WorkingTime) -> Limit:
    """What a reviewer has: working hours, but never so long that the decision-maker could not act (R24)."""
    return _budget(LimitKind.REVIEWER_BUDGET, task_id, unit.policy.reviewer_hours, whole, context, time)


def consultation(request_id: str, whole: Limit | None, context: Context, time: WorkingTime) -> Limit:
    """What an asked department has, inside the case's own limit (R14)."""
    limit = _budget(LimitKind.CONSULTATION, request_id, context.policy.consultation_hours, whole, context, time)
    yellow = share_of_limit(limit.starts_at, limit.due_at, context.policy.yellow_share, time.calendar, time.hours)
    return changed(limit, {"yellow_at": yellow, "rule": "R14"})


def supervision(context: Context, time: WorkingTime) -> Limit:
    """When the committee is told again that nobody acts: the next working day, at opening time (R24)."""
    tomorrow = working_days_due(context.now, 1, time.calendar, time.hours, rule="R24")
    opens = next_opening(tomorrow.due - timedelta(hours=23), time.calendar, time.hours)
    return Limit(
        kind=LimitKind.DECISION_MAKER_BUDGET,
        starts_at=context.now,
        due_at=max(opens, context.now + timedelta(minutes=1)),
        provisional=tomorrow.provisional,
        rule="R24",
        calendar=time.version,
    )


def moved(limit: Limit, context: Context, time: WorkingTime) -> Limit:
    """The limit under the calendar of today; the same object where nothing about it changes (R26)."""
    if limit.calendar is None or limit.calendar == time.version:
        return limit
    if limit.working_seconds is not None:
        return _moved_in_hours(limit, limit.working_seconds, context, time)
    if limit.reckoning is None:
        return limit
    due = DueTime.reckon(
        limit.starts_at,
        limit.days or 0,
        time.calendar,
        time.hours,
        limit.reckoning,  # type: ignore[arg-type]
        limit.rule,
        limit.kind is LimitKind.STATUTORY_NOTICE,
    )
    if (due.due, due.provisional) == (limit.due_at, limit.provisional):
        return limit
    yellow = limit.yellow_at
    if yellow and limit.reckoning != "named_day":
        yellow = share_of_limit(limit.starts_at, due.due, context.policy.yellow_share, time.calendar, time.hours)
    return changed(
        limit,
        {
            "due_at": due.due,
            "provisional": due.provisional,
            "yellow_at": yellow,
            "calendar": time.version,
        },
    )


def _moved_in_hours(limit: Limit, working_seconds: int, context: Context, time: WorkingTime) -> Limit:
    due = add_working_seconds(limit.starts_at, working_seconds, time.calendar, time.hours)
    provisional = not time.calendar.is_certain(shanghai(due).date())
    if (due, provisional) == (limit.due_at, limit.provisional):
        return limit
    yellow = limit.yellow_at
    if yellow:
        yellow = share_of_limit(limit.starts_at, due, context.policy.yellow_share, time.calendar, time.hours)
    return changed(limit, {"due_at": due, "provisional": provisional, "yellow_at": yellow, "calendar": time.version})


def _budget(
    kind: LimitKind, about: str, hours: float, whole: Limit | None, context: Context, time: WorkingTime
) -> Limit:
    # It begins with the next full minute: the due time that a person reads is the one that counts.
    minute = -(int(context.now.timestamp()) // -60)
    start, due_at, provisional, seconds = _hours_from(
        minute, hours, whole and whole.due_at, context.policy.reviewer_share, time
    )
    return Limit(
        kind=kind,
        starts_at=start,
        due_at=due_at,
        provisional=provisional,
        rule="R24",
        about=about,
        working_seconds=seconds,
        calendar=time.version,
    )


@lru_cache(MOST_REMEMBERED)
def _hours_from(
    minute: int, hours: float, whole_due_at: datetime | None, share: float, time: WorkingTime
) -> tuple[datetime, datetime, bool, int]:
    """When it starts, when it is due, whether that is provisional, and its working seconds: at most a share of what is left."""
    start = datetime.fromtimestamp(minute * 60, UTC)
    seconds = round(hours * HOUR)
    if whole_due_at is not None:
        left = working_seconds_between(start, whole_due_at, time.calendar, time.hours)
        seconds = max(min(seconds, int(left * share) // 60 * 60), LEAST_BUDGET_SECONDS)
    due = add_working_seconds(start, seconds, time.calendar, time.hours)
    return start, due, not time.calendar.is_certain(shanghai(due).date()), seconds


def _counting(unit: Unit) -> Counting:
    return "next_working_day" if unit.policy.count_from_next_working_day else "next_calendar_day"
