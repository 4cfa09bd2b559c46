"""What a party's people will say, as the party was told before the day: a JSON file of its own."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Clock:
    """The centre's time: `speed` of its seconds pass in one, from `start` at the real instant `origin`."""

    origin: datetime
    start: datetime
    speed: float

    def now(self) -> datetime:
        """The time on the wall of the centre."""
        return self.start + (datetime.now(UTC) - self.origin) * self.speed

    def seconds_until(self, after: float) -> float:
        """Real seconds until `after` real seconds have passed since the origin; never negative."""
        return max(0.0, (self.origin + timedelta(seconds=after) - datetime.now(UTC)).total_seconds())


@dataclass(frozen=True, slots=True)
class Line:
    """One message that somebody will send: its topic, type and data, and the real seconds they take over it."""

    topic: str
    type: str
    data: dict[str, Any]
    after: float


@dataclass(slots=True)
class CaseLines:
    """What this party says about one case."""

    opening: Line | None = None
    unasked: list[Line] = field(default_factory=list)
    """Said after the opening, without a task."""
    answers: dict[str, list[Line]] = field(default_factory=dict)
    """By tier: the answers to its tasks, in order."""
    delivery: Line | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """A party's part in the day."""

    party: str
    reads: tuple[str, ...]
    clock: Clock
    cases: dict[str, CaseLines]

    def save(self, path: Path) -> None:
        """Write it where the party will find it: it names applicants, so for its owner alone."""
        told = {
            "party": self.party,
            "reads": self.reads,
            "clock": {
                "origin": self.clock.origin.isoformat(),
                "start": self.clock.start.isoformat(),
                "speed": self.clock.speed,
            },
            "cases": {
                case_id: {
                    "opening": _plain(lines.opening),
                    "unasked": [_plain(line) for line in lines.unasked],
                    "answers": {tier: [_plain(line) for line in given] for tier, given in lines.answers.items()},
                    "delivery": _plain(lines.delivery),
                }
                for case_id, lines in self.cases.items()
            },
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(told, ensure_ascii=False), encoding="utf-8")

    @classmethod
    def load(cls, path: Path) -> "Lines":
        """Read it again."""
        told = json.loads(path.read_text(encoding="utf-8"))
        clock = told["clock"]
        return cls(
            party=told["party"],
            reads=tuple(told["reads"]),
            clock=Clock(
                datetime.fromisoformat(clock["origin"]), datetime.fromisoformat(clock["start"]), clock["speed"]
            ),
            cases={
                case_id: CaseLines(
                    opening=_line(lines["opening"]),
                    unasked=[Line(**line) for line in lines["unasked"]],
                    answers={tier: [Line(**line) for line in given] for tier, given in lines["answers"].items()},
                    delivery=_line(lines["delivery"]),
                )
                for case_id, lines in told["cases"].items()
            },
        )


def _plain(line: Line | None) -> dict[str, Any] | None:
    if line is None:
        return None
    return {"topic": line.topic, "type": line.type, "data": line.data, "after": line.after}


def _line(told: dict[str, Any] | None) -> Line | None:
    return Line(**told) if told else None
