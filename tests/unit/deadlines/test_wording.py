"""Sentences of notices read back as days."""

from datetime import date

import pytest

from deadlines.wording import Wording, read_wording


def days(*texts: str) -> frozenset[date]:
    return frozenset(date.fromisoformat(text) for text in texts)


@pytest.mark.parametrize(
    ("year", "text", "rest", "work", "total"),
    [
        (2018, "6月18日放假，与周末连休。", days("2018-06-18"), days(), None),
        (2016, "5月1日放假，5月2日（星期一）补休。", days("2016-05-01", "2016-05-02"), days(), None),
        (
            2019,
            "2018年12月30日至2019年1月1日放假调休，共3天。2018年12月29日（星期六）上班。",
            days("2018-12-30", "2018-12-31", "2019-01-01"),
            days("2018-12-29"),
            3,
        ),
        (
            2025,
            "5月31日（周六）至6月2日（周一）放假，共3天。",
            days("2025-05-31", "2025-06-01", "2025-06-02"),
            days(),
            3,
        ),
        (2025, "1月1日（周三）放假1天，不调休。", days("2025-01-01"), days(), 1),
        (2010, "9月19日（星期日）、25日（星期六）上班。", days(), days("2010-09-19", "2010-09-25"), None),
    ],
)
def test_reads_days_off_and_days_worked(
    year: int, text: str, rest: frozenset[date], work: frozenset[date], total: int | None
) -> None:
    """A sentence's days off, make-up workdays and total are read as it means them."""
    expected = Wording(rest, work, total, extended_until=None, mistakes=())

    assert expected == read_wording(text, year)


def test_reads_the_end_of_an_extension() -> None:
    """An extension says until when; the day on which ordinary work resumes is no make-up workday."""
    read = read_wording("延长2020年春节假期至2月2日（农历正月初九，星期日），2月3日（星期一）起正常上班。", 2020)

    assert Wording(days(), days(), None, extended_until=date(2020, 2, 2), mistakes=()) == read


def test_leave_that_is_encouraged_is_no_day_off() -> None:
    """Leave on the eve of Spring Festival 2024 is encouraged, which makes it no day off."""
    read = read_wording("2月10日放假。鼓励各单位结合带薪年休假等制度落实，安排职工在除夕（2月9日）休息。", 2024)

    assert days("2024-02-10") == read.rest


@pytest.mark.parametrize(
    ("text", "mistake"),
    [
        ("2月28日（周五）上班。", "2026-02-28 is not a 周五"),
        ("2月30日放假。", "“2月30日” names no date"),
    ],
)
def test_finds_what_a_sentence_contradicts_itself_in(text: str, mistake: str) -> None:
    """A weekday that does not fit its date, or a date that does not exist, is a mistake."""
    read = read_wording(text, 2026)

    assert mistake in read.mistakes[0]
