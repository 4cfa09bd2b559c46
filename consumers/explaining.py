"""Every running limit of a case explained line by line, in Chinese and in English, by the calendar it was worked out by."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, time, timedelta
from typing import Any

from consumers.contents import SQL, CalendarContent
from consumers.settings import Settings
from consumers.store import connect
from deadlines import (
    SHANGHAI,
    DueTime,
    explain_in_chinese,
    explain_in_english,
    kind_in_chinese,
    kind_in_english,
    shanghai,
    working_seconds_between,
)
from router.case import Case
from router.context import WorkingTime
from topics.events import Limit
from topics.vocabulary import CHINESE, Card, LimitKind

# The most days that are listed of a budget of hours: it may begin before a long holiday.
LONGEST_DAYS = 60


async def working_times(settings: Settings, centre: str) -> dict[str, WorkingTime]:
    """Every calendar that a centre's limits may have been worked out by, by version."""
    database = await connect(settings, "explain")
    try:
        rows = await SQL.contents_of(database, kind="calendar")
    finally:
        await database.close(timeout=5)
    found: dict[str, WorkingTime] = {}
    for row in rows:
        working_time = CalendarContent.model_validate_json(row["content"]).working_time([centre])[centre]
        found.setdefault(working_time.version, working_time)
    return found


def due_time(limit: Limit, times: Mapping[str, WorkingTime]) -> DueTime | None:
    """The limit as `deadlines` derives it; None where it is not counted in days, or its calendar is not kept."""
    working_time = times.get(limit.calendar or "")
    if working_time is None or limit.reckoning is None:
        return None
    return DueTime.reckon(
        limit.starts_at,
        limit.days or 0,
        working_time.calendar,
        working_time.hours,
        limit.reckoning,  # type: ignore[arg-type]
        limit.rule,
        limit.kind is LimitKind.STATUTORY_NOTICE,
    )


def explanations(case: Case, times: Mapping[str, WorkingTime]) -> Iterator[str]:
    """Every limit that runs: until when, by which rule and days, and which cards it has had."""
    for limit in sorted(case.limits, key=lambda limit: limit.due_at):
        yield ""
        mark = "（暂定 provisional）" if limit.provisional else ""
        about = f" {limit.about}" if limit.about else ""
        yield f"{CHINESE[limit.kind]} {limit.kind}{about}：{shanghai(limit.due_at):%Y-%m-%d %H:%M}{mark}"
        if limit.yellow_at:
            yield f"  黄牌 yellow card at {shanghai(limit.yellow_at):%Y-%m-%d %H:%M}"
        for card in Card:
            given = case.card(limit.kind, card, limit.about)
            if given is not None:
                corrected = "，已更正 corrected" if given.corrected else ""
                yield f"  已发{CHINESE[card]} {card} card given {shanghai(given.at):%Y-%m-%d %H:%M:%S}{corrected}"
        working_time = times.get(limit.calendar or "")
        due = due_time(limit, times)
        if due is not None:
            yield from (f"  {line}" for line in (*explain_in_chinese(due), *explain_in_english(due)))
        elif working_time is None:
            yield f"  日历版本 {limit.calendar} 未保存，无法逐日说明。Calendar version {limit.calendar} is not kept here."
        elif limit.working_seconds is not None:
            yield from (f"  {line}" for line in _in_hours(limit, working_time))
        else:
            yield f"  依据 {limit.rule}：无人办理的，下一工作日上班时再次提示管委会；日历版本：{limit.calendar}"
            yield f"  Under {limit.rule}: while nobody acts, the committee is told again at the next opening; calendar version: {limit.calendar}"


def as_objects(case: Case, times: Mapping[str, WorkingTime]) -> list[dict[str, Any]]:
    """The same for machines: each limit with its derivation where it is counted in days."""
    written = []
    for limit in case.limits:
        due = due_time(limit, times)
        written.append(
            {
                "kind": str(limit.kind),
                "about": limit.about,
                "due": shanghai(limit.due_at).isoformat(),
                "provisional": limit.provisional,
                "calendar": limit.calendar,
                "derivation": due.to_json() if due else None,
            }
        )
    return written


def _in_hours(limit: Limit, time_: WorkingTime) -> Iterator[str]:
    """A budget of working hours: how much of it each day takes."""
    start, due = shanghai(limit.starts_at), shanghai(limit.due_at)
    hours = (limit.working_seconds or 0) / 3600
    yield f"依据 {limit.rule}：{hours:.2f} 个工作小时，只计办公时间（{time_.hours}）"
    yield f"Under {limit.rule}: {hours:.2f} working hours, counted while the centre is open ({time_.hours})"
    yield f"起算 start：{start:%Y-%m-%d %H:%M}"
    day = start.date()
    for _ in range(LONGEST_DAYS):
        if day > due.date():
            break
        opens = max(start, datetime.combine(day, time(), SHANGHAI))
        closes = min(due, datetime.combine(day + timedelta(days=1), time(), SHANGHAI))
        counted = working_seconds_between(opens, closes, time_.calendar, time_.hours) / 3600
        what = time_.calendar.day(day)
        yield f"  {day}  {counted:.2f}  {kind_in_chinese(what)} / {kind_in_english(what)}"
        day += timedelta(days=1)
    yield f"到期 due：{due:%Y-%m-%d %H:%M}；日历版本 calendar version：{limit.calendar}"
