"""Explanations that a person can follow, in Chinese and English."""

from datetime import date

import pytest

from deadlines import (
    Calendar,
    Closing,
    OpeningHours,
    end_of_statutory_days,
    explain_in_chinese,
    explain_in_english,
    named_day_close,
    same_day_close,
    working_days_due,
)

from .moments import at


@pytest.mark.rule("R25")
def test_explains_line_by_line_in_chinese(calendar: Calendar, hours: OpeningHours) -> None:
    """Every day has a line that says whether it counts and, if a notice says so, which."""
    due = working_days_due(at("2026-09-18T16:50"), 2, calendar, hours, rule="R21")

    assert [
        "依据 R21：2 个工作日，起算当日不计入，自下一日开始计算（民法典第二百零一条），不含法定节假日（行政许可法第八十二条）",
        "起算：2026-09-18 周五 16:50",
        "  2026-09-18 周五  不计  起算当日不计入（工作日）",
        "  2026-09-19 周六  不计  周末",
        "  2026-09-20 周日  第 1 日  国庆节调休上班，国办发明电〔2025〕7号",
        "  2026-09-21 周一  第 2 日  工作日",
        "到期：2026-09-21 周一 17:00，停止业务活动的时间（民法典第二百零三条）",
        f"日历版本：{calendar.version}；办公时间：09:00-12:00 13:30-17:00",
    ] == explain_in_chinese(due)


@pytest.mark.rule("R25")
def test_explains_line_by_line_in_english(calendar: Calendar, hours: OpeningHours) -> None:
    """The English explanation has the same lines."""
    own = calendar.with_closings(Closing.model_validate({"days": "2026-11-24", "reason": "搬迁", "english": "moving"}))
    due = working_days_due(at("2026-11-23T16:50"), 1, own, hours, rule="R20")

    assert [
        "Under R20: 1 working day; the start day does not count, day 1 is the next working day (Civil Code art. 201); "
        "statutory holidays are out (Administrative Licensing Law art. 82)",
        "Start: 2026-11-23 Mon 16:50",
        "  2026-11-23 Mon  not counted  the start day does not count (working day)",
        "  2026-11-24 Tue  not counted  closed by the centre: moving",
        "  2026-11-25 Wed  day 1  working day",
        "Due: 2026-11-25 Wed 17:00, closing time (Civil Code art. 203)",
        f"Calendar version: {own.version}; opening hours: 09:00-12:00 13:30-17:00",
    ] == explain_in_english(due)
    assert "  2026-11-24 周二  不计  本中心闭所：搬迁" in explain_in_chinese(due)


@pytest.mark.rule("R26")
def test_says_that_a_due_time_is_provisional_and_why(calendar: Calendar, hours: OpeningHours) -> None:
    """A provisional due time names the year whose notice is missing, and marks each of its days."""
    due = working_days_due(at("2026-12-31T10:00"), 1, calendar, hours)
    chinese, english = "\n".join(explain_in_chinese(due)), "\n".join(explain_in_english(due))

    assert "暂定：2027年放假安排的通知尚未公布，公布后重新计算" in chinese
    assert (
        "2027-01-01 周五  不计  元旦，固定日期的法定节假日，《全国年节及纪念日放假办法》，当年通知未公布，暂定"
        in chinese
    )
    assert "Provisional: the holiday notice of 2027 is not published yet; worked out again when it is" in english
    assert "2027-01-01 Fri  not counted  New Year's Day, statutory holiday on a fixed date; provisional" in english
    assert "2027-01-02 Sat  not counted  weekend; provisional" in english


@pytest.mark.rule("R26")
def test_a_start_day_that_does_not_count_makes_no_year_provisional(calendar: Calendar, hours: OpeningHours) -> None:
    """What is certain is not explained as provisional, whatever year the start day lies in."""
    certain = working_days_due(at("2015-12-31T10:00"), 1, calendar, hours)
    provisional = working_days_due(at("2027-12-31T10:00"), 1, calendar, hours)

    assert "暂定：" not in "\n".join(explain_in_chinese(certain))
    assert "暂定：2028年放假安排的通知尚未公布，公布后重新计算" in explain_in_chinese(provisional)


@pytest.mark.rule("R25")
def test_other_reckonings_say_what_they_are(calendar: Calendar, hours: OpeningHours) -> None:
    """A policy, a promise and a statutory period are each explained as what they are."""
    policy = working_days_due(at("2026-11-21T10:00"), 1, calendar, hours, counting="next_working_day")
    same_day = same_day_close(at("2026-11-20T17:30"), calendar, hours)
    promise = named_day_close(date(2026, 11, 28), calendar, hours)
    statutory = end_of_statutory_days(at("2026-11-21T10:00"), 5, calendar, hours)

    assert "  2026-11-23 周一  不计  视为当日提出，不计入（工作日）" in explain_in_chinese(policy)
    assert "  2026-11-20 Fri  not counted  after closing time (working day)" in explain_in_english(same_day)
    assert "  2026-11-23 周一  到期日  期限最后一日（工作日）" in explain_in_chinese(same_day)
    assert "指定日期：2026-11-28 周六" in explain_in_chinese(promise)
    assert "Named day: 2026-11-28 Sat" in explain_in_english(promise)
    assert "  2026-11-30 Mon  due day  the last day (working day)" in explain_in_english(promise)
    assert "中心自行闭所不延长法定期限" in explain_in_chinese(statutory)[0]
    assert "a centre's own closings do not lengthen it" in explain_in_english(statutory)[0]


@pytest.mark.rule("R25")
def test_both_languages_have_a_line_for_every_day(calendar: Calendar, hours: OpeningHours) -> None:
    """No day is left out of either explanation."""
    due = working_days_due(at("2025-12-25T10:00"), 30, calendar, hours)
    days = [derived.day.date.isoformat() for derived in due.derivation]

    for lines in (explain_in_chinese(due), explain_in_english(due)):
        assert days == [line.split()[0] for line in lines if line.startswith("  ")]
