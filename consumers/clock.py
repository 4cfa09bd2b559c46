"""The domain's clock: real instants (the broker's, the database's) mapped to the time the rules run by."""

from dataclasses import dataclass
from datetime import UTC, datetime

from consumers.settings import Settings


@dataclass(frozen=True, slots=True)
class Clock:
    """The identity in production; in a demonstration virtual time runs `speed` times as fast from `origin` on."""

    speed: float = 1
    origin: datetime | None = None
    start: datetime | None = None

    @classmethod
    def from_settings(cls, settings: Settings) -> "Clock":
        return cls(settings.clock_speed, settings.clock_origin, settings.clock_start)

    def domain(self, real: datetime) -> datetime:
        """The domain's time at a real instant, UTC."""
        if self.origin is None:
            return real
        return ((self.start or self.origin) + (real - self.origin) * self.speed).astimezone(UTC)
