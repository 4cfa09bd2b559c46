"""Moments that are only known when something is said: `$now`, `$now-180` (seconds), `$today+7` (days)."""

import re
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

MOMENT = re.compile(r"\$(now|today)([+-]\d+)?")
SHANGHAI = ZoneInfo("Asia/Shanghai")


def filled(value: Any, now: datetime) -> Any:
    """The same JSON with every moment in it worked out from `now`."""
    match value:
        case dict():
            return {name: filled(part, now) for name, part in value.items()}
        case list() | tuple():
            return [filled(part, now) for part in value]
        case str() if moment := MOMENT.fullmatch(value):
            number = int(moment[2] or 0)
            if moment[1] == "today":
                return (now.astimezone(SHANGHAI).date() + timedelta(days=number)).isoformat()
            return (now + timedelta(seconds=number)).isoformat()
        case _:
            return value
