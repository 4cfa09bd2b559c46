"""The committee's filings, counted by an independent subscriber: what the demo's verdict rests on."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was counted; `good` is every case with exactly one head and one tail, and nothing else."""

    cases: int
    closed: int
    heads: int
    tails: int
    lost: int
    duplicates: int
    seconds: float
    missing: tuple[str, ...]
    """A line for every case that has no head, no tail, or more than one."""
    unexpected: tuple[str, ...]
    """Cases with a filing that should have none."""

    @property
    def good(self) -> bool:
        """Whether the demo may end with exit code 0."""
        exact = self.cases == self.closed == self.heads == self.tails
        return exact and not (self.lost or self.duplicates or self.unexpected)

    def as_json(self) -> dict[str, int | float]:
        """The line that scripts read."""
        return {
            "cases": self.cases,
            "closed": self.closed,
            "heads": self.heads,
            "tails": self.tails,
            "lost": self.lost,
            "duplicates": self.duplicates,
            "seconds": round(self.seconds, 1),
        }


class Filings:
    """Heads and tails by case, of the expected cases of one run."""

    def __init__(self, cases: Iterable[str], run: str) -> None:
        self._expected = dict.fromkeys(cases)
        self._run = f"-{run}-"
        self._heads: Counter[str] = Counter()
        self._tails: Counter[str] = Counter()
        self._others: Counter[str] = Counter()
        self._open = set(self._expected)
        self.outcomes: dict[str, str] = {}
        """The outcome that the tail told, by case."""
        self.received = 0
        """Every record so far, of whatever kind."""

    @property
    def complete(self) -> bool:
        """Whether every expected case has a head and a tail."""
        return not self._open

    @property
    def heads(self) -> int:
        """Head filings so far."""
        return self._heads.total()

    @property
    def tails(self) -> int:
        """Tail filings so far."""
        return self._tails.total()

    def receive(self, event_id: str, kind: str, case_id: str, data: dict[str, Any]) -> None:
        """One record of the filings topic."""
        if self._run not in case_id:
            return  # of an earlier run, on data that were kept
        self.received += 1
        match kind:
            case "filing.head":
                self._heads[case_id] += 1
            case "filing.tail":
                self._tails[case_id] += 1
                self.outcomes[case_id] = data["outcome"]
            case _:
                self._others[event_id] += 1
        if self._heads[case_id] and self._tails[case_id]:
            self._open.discard(case_id)

    def verdict(self, seconds: float) -> Verdict:
        """What it comes to."""
        heads, tails = ({case: counted[case] for case in self._expected} for counted in (self._heads, self._tails))
        extra = sum(max(0, count - 1) for counted in (heads, tails) for count in counted.values())
        return Verdict(
            cases=len(self._expected),
            closed=sum(1 for count in tails.values() if count),
            heads=sum(heads.values()),
            tails=sum(tails.values()),
            lost=sum(1 for case in self._expected if not (heads[case] and tails[case])),
            duplicates=extra + sum(count - 1 for count in self._others.values()),
            seconds=seconds,
            missing=tuple(
                f"{case}: {heads[case]} head, {tails[case]} tail"
                for case in self._expected
                if (heads[case], tails[case]) != (1, 1)
            ),
            unexpected=tuple(case for case in sorted({*+self._heads, *+self._tails}) if case not in self._expected),
        )
