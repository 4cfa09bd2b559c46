"""Shanghai time: what working days are counted in; UTC is what instants are kept in."""

from datetime import UTC, datetime, timedelta, timezone

# China has kept UTC+8 without daylight saving time since September 1991, so a fixed offset says the same as the
# time zone database and needs no file (a test compares the two).
SHANGHAI_OFFSET = timedelta(hours=8)
SHANGHAI = timezone(SHANGHAI_OFFSET, "Asia/Shanghai")


def shanghai(instant: datetime) -> datetime:
    """The instant as a clock in Shanghai shows it; raises ValueError for a time without a zone."""
    return aware(instant).astimezone(SHANGHAI)


def utc(instant: datetime) -> datetime:
    """The instant in UTC, the form that is stored; raises ValueError for a time without a zone."""
    return aware(instant).astimezone(UTC)


def aware(instant: datetime) -> datetime:
    """The instant itself, provided that it names its zone; raises ValueError otherwise."""
    if instant.tzinfo is None:
        raise ValueError(f"{instant.isoformat()} has no time zone: write +08:00 (Asia/Shanghai) or another offset")
    return instant
