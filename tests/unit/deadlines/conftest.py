import pytest

from deadlines import DEFAULT_HOURS, Calendar, OpeningHours, shipped_calendar


@pytest.fixture
def calendar() -> Calendar:
    return shipped_calendar()


@pytest.fixture
def hours() -> OpeningHours:
    return DEFAULT_HOURS
