"""The laws of due times, for whatever starts, days, opening hours and calendars there may be."""

from datetime import UTC, date, datetime, timedelta, timezone

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from deadlines import (
    DEFAULT_HOURS,
    SHANGHAI,
    Calendar,
    Closing,
    Counting,
    DueTime,
    OpeningHours,
    Role,
    Year,
    add_working_seconds,
    end_of_statutory_days,
    is_open,
    named_day_close,
    next_opening,
    same_day_close,
    share_of_limit,
    shipped_calendar,
    working_days_due,
    working_seconds_between,
)

# Other work shares the machine: no example is refused for having been slow.
laws = settings(deadline=None, max_examples=150)
laws_of_calendars = settings(deadline=None, max_examples=50)

CALENDAR = shipped_calendar()
FIRST, LAST = datetime(2015, 11, 1), datetime(2027, 12, 31)  # noqa: DTZ001 - hypothesis adds the zone
ZONES = st.sampled_from([SHANGHAI, UTC, timezone(timedelta(hours=-9, minutes=-30)), timezone(timedelta(hours=14))])

starts = st.datetimes(FIRST, LAST, timezones=ZONES)
numbers = st.integers(1, 40)
countings: st.SearchStrategy[Counting] = st.sampled_from(["next_calendar_day", "next_working_day"])
hours_of_centres = st.sampled_from(
    [
        DEFAULT_HOURS,
        OpeningHours.parse("08:30-12:00", "15:00-18:00"),
        OpeningHours.parse("09:00-17:00"),
        OpeningHours.parse("00:00-08:00", "08:00-09:01", "20:00-24:00"),
    ]
)
spans = st.tuples(st.dates(date(2016, 1, 1), date(2027, 12, 1)), st.integers(0, 12)).map(
    lambda span: Closing.model_validate(
        {"days": {"first": span[0], "last": span[0] + timedelta(days=span[1])}, "reason": "闭所"}
    )
)
calendars = st.lists(spans, max_size=4).map(lambda closings: CALENDAR.with_closings(*closings))

FESTIVALS = {"元旦": (1, 1), "清明节": (4, 5), "劳动节": (5, 1), "端午节": (6, 9), "中秋节": (9, 15), "国庆节": (10, 1)}


def announced_2027(spring_festival: date, days: int) -> Year:
    """A year with one day for each festival but Spring Festival, which is as long as asked."""
    last = spring_festival + timedelta(days=days - 1)
    first = spring_festival
    text = f"{first.month}月{first.day}日至{last.month}月{last.day}日放假，共{days}天。"
    festivals = [{"name": "春节", "text": text, "rest": f"{first}/{last}"}]
    for name, (month, day) in FESTIVALS.items():
        festivals.append({"name": name, "text": f"{month}月{day}日放假。", "rest": str(date(2027, month, day))})
    notice = {"number": "国办发明电〔2026〕99号", "date": "2026-11-30", "title": "2027年", "festivals": festivals}
    return Year.model_validate({"year": 2027, "notices": [notice]})


@pytest.mark.rule("R25")
@laws
@given(starts, starts, numbers, countings, hours_of_centres)
def test_a_later_start_is_never_due_earlier(
    one: datetime, other: datetime, days: int, counting: Counting, hours: OpeningHours
) -> None:
    """Due times never move backward when the start moves forward, by any reckoning."""
    early, late = sorted((one, other))

    def reckoned(start: datetime) -> list[DueTime]:
        return [
            working_days_due(start, days, CALENDAR, hours, counting),
            end_of_statutory_days(start, days, CALENDAR, hours),
            same_day_close(start, CALENDAR, hours),
            named_day_close(start.astimezone(SHANGHAI).date(), CALENDAR, hours),
        ]

    for earlier, later in zip(reckoned(early), reckoned(late), strict=True):
        assert earlier.due <= later.due


@pytest.mark.rule("R25")
@laws
@given(starts, numbers, countings, calendars)
def test_one_day_more_is_later(start: datetime, days: int, counting: Counting, calendar: Calendar) -> None:
    """A period of one working day more ends on a later day."""
    shorter = working_days_due(start, days, calendar, DEFAULT_HOURS, counting)
    longer = working_days_due(start, days + 1, calendar, DEFAULT_HOURS, counting)

    assert shorter.due_day < longer.due_day


@pytest.mark.rule("R25")
@laws
@given(starts, numbers, countings, calendars, hours_of_centres)
def test_the_days_explained_add_up_to_the_due_time(
    start: datetime, days: int, counting: Counting, calendar: Calendar, hours: OpeningHours
) -> None:
    """The derivation is every day from the start to the due day; exactly the days of the period count, in order.

    What does not count is off, or is the start, and the last day counted is the one that ends at closing time.
    """
    due = working_days_due(start, days, calendar, hours, counting)
    derivation = due.derivation
    first = start.astimezone(SHANGHAI).date()
    counted = [derived for derived in derivation if derived.role is Role.COUNTED]
    starting = [derived for derived in derivation if derived.role in (Role.START, Role.DEEMED_START)]
    midnight = datetime.combine(counted[-1].day.date, datetime.min.time(), SHANGHAI)

    assert [first + timedelta(days=n) for n in range(len(derivation))] == [d.day.date for d in derivation]
    assert list(range(1, days + 1)) == [derived.number for derived in counted]
    assert all(derived.day.working for derived in counted)
    assert all(derived.number or not derived.day.working or derived in starting for derived in derivation)
    assert len(starting) == 1
    assert midnight + timedelta(seconds=hours.closing) == due.due
    assert derivation[-1] == counted[-1]


@pytest.mark.rule("R25")
@laws
@given(starts, numbers, countings, calendars)
def test_counting_on_one_s_fingers_gives_the_same(
    start: datetime, days: int, counting: Counting, calendar: Calendar
) -> None:
    """Walking the calendar day by day ends on the same day, and meets an unannounced year just when it is said."""
    day = start.astimezone(SHANGHAI).date()
    walked = []
    if counting == "next_working_day":
        # Whether the start itself is worked decides where the count begins.
        walked.append(day)
        while not calendar.is_working(day):
            day += timedelta(days=1)
            walked.append(day)
    left = days
    while left:
        day += timedelta(days=1)
        walked.append(day)
        left -= calendar.is_working(day)
    due = working_days_due(start, days, calendar, DEFAULT_HOURS, counting)

    assert day == due.due_day
    assert any(not calendar.is_certain(met) for met in walked) == due.provisional


@pytest.mark.rule("R25")
@laws_of_calendars
@given(starts, numbers, countings, calendars, spans)
def test_a_closing_never_makes_a_due_time_earlier(
    start: datetime, days: int, counting: Counting, calendar: Calendar, closing: Closing
) -> None:
    """Days taken out of the calendar never bring a due time forward, and never move a statutory one."""
    fewer = calendar.with_closings(*calendar.closings, closing)
    before = working_days_due(start, days, calendar, DEFAULT_HOURS, counting)
    statutory = end_of_statutory_days(start, days, calendar, DEFAULT_HOURS)

    assert before.due <= working_days_due(start, days, fewer, DEFAULT_HOURS, counting).due
    assert statutory is statutory.recompute(fewer)
    assert statutory.due <= working_days_due(start, days, fewer, DEFAULT_HOURS).due


@pytest.mark.rule("R25")
@pytest.mark.rule("R26")
@laws_of_calendars
@given(
    st.datetimes(datetime(2026, 12, 1), datetime(2027, 4, 1), timezones=st.just(SHANGHAI)),  # noqa: DTZ001
    numbers,
    countings,
    st.dates(date(2027, 1, 20), date(2027, 2, 20)),
    st.integers(1, 9),
)
def test_a_longer_holiday_never_makes_a_due_time_earlier(
    start: datetime, days: int, counting: Counting, spring_festival: date, length: int
) -> None:
    """An amendment that adds a day to a holiday never brings a due time forward."""
    shorter = CALENDAR.with_year(announced_2027(spring_festival, length))
    longer = CALENDAR.with_year(announced_2027(spring_festival, length + 1))
    due = working_days_due(start, days, shorter, DEFAULT_HOURS, counting)

    assert due.due <= due.recompute(longer).due
    assert not due.provisional
    assert shorter.version != longer.version


@pytest.mark.rule("R26")
@laws
@given(starts, numbers, countings, calendars)
def test_recomputing_is_reckoning_anew(start: datetime, days: int, counting: Counting, calendar: Calendar) -> None:
    """A due time worked out again under a calendar is the one that calendar gives, and settles there."""
    due = working_days_due(start, days, CALENDAR, DEFAULT_HOURS, counting)
    again = due.recompute(calendar)
    anew = working_days_due(start, days, calendar, DEFAULT_HOURS, counting)

    assert (anew.due, anew.provisional) == (again.due, again.provisional)
    assert again is again.recompute(calendar)


@pytest.mark.rule("R25")
@laws
@given(starts, numbers)
def test_the_policy_is_never_due_earlier_than_the_law(start: datetime, days: int) -> None:
    """Counting from the next working day gives the same day or the next, never one before the law's."""
    law = working_days_due(start, days, CALENDAR, DEFAULT_HOURS)
    policy = working_days_due(start, days, CALENDAR, DEFAULT_HOURS, counting="next_working_day")
    next_one = working_days_due(start, days + 1, CALENDAR, DEFAULT_HOURS)
    expected = law if CALENDAR.is_working(start.astimezone(SHANGHAI).date()) else next_one

    assert expected.due == policy.due


@pytest.mark.rule("R25")
@laws
@given(starts, numbers, countings, calendars, hours_of_centres)
def test_a_record_says_all_of_a_due_time(
    start: datetime, days: int, counting: Counting, calendar: Calendar, hours: OpeningHours
) -> None:
    """A due time read back from its record is equal, and so is its derivation."""
    due = working_days_due(start, days, calendar, hours, counting)
    again = DueTime.from_json(due.to_json())

    assert due == again
    assert due.derivation == again.derivation
    assert due.to_json() == again.to_json()


seconds = st.one_of(
    st.integers(0, 40 * 23_400).map(float), st.floats(0, 10**6, allow_nan=False).map(lambda s: round(s, 6))
)


@pytest.mark.rule("R24")
@laws
@given(starts, seconds, hours_of_centres, calendars)
def test_what_is_added_is_what_lies_between(
    start: datetime, worked: float, hours: OpeningHours, calendar: Calendar
) -> None:
    """As many working seconds lie between as were added; the end is the first such instant; going back undoes it."""
    end = add_working_seconds(start, worked, calendar, hours)

    assert worked == working_seconds_between(start, end, calendar, hours)
    assert start <= end
    if worked:
        just_before = end - timedelta(microseconds=1)
        back = add_working_seconds(end, -worked, calendar, hours)
        assert working_seconds_between(start, just_before, calendar, hours) < worked
        assert working_seconds_between(back, start, calendar, hours) == 0


@pytest.mark.rule("R24")
@laws
@given(starts, starts, starts, hours_of_centres)
def test_working_time_adds_up(a: datetime, b: datetime, c: datetime, hours: OpeningHours) -> None:
    """Working time between is additive, has a sign, and never exceeds the clock's."""

    def between(x: datetime, y: datetime) -> float:
        return working_seconds_between(x, y, CALENDAR, hours)

    assert between(a, c) == pytest.approx(between(a, b) + between(b, c), abs=1e-6)
    assert between(a, b) == -between(b, a)
    assert abs(between(a, b)) <= abs((b - a).total_seconds())


@pytest.mark.rule("R24")
@laws
@given(starts, starts, hours_of_centres)
def test_the_time_between_added_again_ends_there(a: datetime, b: datetime, hours: OpeningHours) -> None:
    """Adding the time between gives the later instant, or where work last stopped before it."""
    a, b = sorted((a, b))
    worked = working_seconds_between(a, b, CALENDAR, hours)
    assume(worked)
    end = add_working_seconds(a, worked, CALENDAR, hours)

    assert end <= b
    assert not is_open(b, CALENDAR, hours) or end == b or b == next_opening(end, CALENDAR, hours)


@pytest.mark.rule("R27")
@laws
@given(starts, numbers, st.floats(0, 1), st.floats(0, 1), hours_of_centres)
def test_a_share_lies_within_its_limit_and_is_used_by_then(
    start: datetime, days: int, one: float, other: float, hours: OpeningHours
) -> None:
    """A share's instant lies between start and due, a larger share's never before it, and just the share is used."""
    due = working_days_due(start, days, CALENDAR, hours)
    small, large = sorted((one, other))
    at_small, at_large = (share_of_limit(start, due.due, share, CALENDAR, hours) for share in (small, large))
    whole = working_seconds_between(start, due.due, CALENDAR, hours)

    assert start <= at_small <= at_large <= due.due
    assert working_seconds_between(start, at_large, CALENDAR, hours) == pytest.approx(large * whole, abs=1e-6)


@pytest.mark.rule("R24")
@laws
@given(starts, hours_of_centres, calendars)
def test_a_centre_opens_next_when_it_does(instant: datetime, hours: OpeningHours, calendar: Calendar) -> None:
    """The next opening is not before the instant, the centre is open then, and nothing is worked until then."""
    opening = next_opening(instant, calendar, hours)

    assert instant <= opening
    assert is_open(opening, calendar, hours)
    assert working_seconds_between(instant, opening, calendar, hours) == 0
