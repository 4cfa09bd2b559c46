"""What has been counted so far, in memory as in the database, and what a scrape is told of it at an instant."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from metrics.counting import DEPARTMENT, UNKNOWN, Increments, Key
from metrics.exposition import Series
from metrics.table import JOURNAL, Metric
from topics.vocabulary import InstructionKind, LimitKind, MatterClass, StageName, Tier

BY_NAME: Mapping[str, Metric] = {row.name: row for row in JOURNAL}
WITHIN = {"1h": timedelta(hours=1), "2h": timedelta(hours=2), "4h": timedelta(hours=4)}
SUM = "sum"
# Working time: an hour of a page's windows, days of the slower ones.
WINDOWS: Mapping[str, float] = {"15m": 900, "1h": 3600, "1d": 1, "3d": 3}
"""Seconds, or working days where it ends in `d`."""
RESULTS = ("in_time", "late")
WORDS_OF_UNITS: Mapping[str, tuple[str, ...]] = {
    "noveto_cases_open": tuple(stage for stage in StageName if stage is not StageName.CLOSED),
    "noveto_answers": (*RESULTS, "corrected"),
    "noveto_cases_returned": (Tier.REVIEWER, Tier.DECISION_MAKER),
    "noveto_interim_answers": tuple(Tier),
    "noveto_declarations": (MatterClass.SPECIAL, MatterClass.MAJOR),
    "noveto_instructions": tuple(InstructionKind),
}
"""What every unit's series of a metric can say beside the unit."""


class World(Protocol):
    """What is not counted: who there is, and what time it is for each centre."""

    @property
    def units(self) -> Mapping[str, tuple[str, str]]:
        """Units with windows: (centre, name) by code."""

    @property
    def departments(self) -> Mapping[str, str]:
        """Names of units without windows, which are asked for opinions."""

    @property
    def parties(self) -> tuple[str, ...]:
        """Every party that may write."""

    @property
    def centres(self) -> tuple[str, ...]:
        """Every centre."""

    def open(self, centre: str, at: datetime) -> bool:
        """Whether the centre is open."""

    def working_day_seconds(self, centre: str) -> float:
        """The working time of its working day."""

    def certain_seconds(self, centre: str, at: datetime) -> float:
        """How far the announced calendar reaches."""

    def working_seconds(self, centre: str, start: datetime, end: datetime) -> float:
        """Working time between two instants."""

    def back(self, centre: str, at: datetime, working_seconds: float) -> datetime:
        """The instant so much working time before another."""


@dataclass(slots=True)
class Totals:
    """Everything that was counted."""

    values: dict[Key, float] = field(default_factory=lambda: defaultdict(float))
    running: Counter[tuple[str, str, datetime]] = field(default_factory=Counter)
    answers: Counter[tuple[str, datetime, str]] = field(default_factory=Counter)
    heard: dict[str, datetime] = field(default_factory=dict)
    began: datetime | None = None
    """When the first entry was recorded: a unit that was never heard is silent since then."""
    quarantined: int = 0

    def apply(self, increments: Increments) -> None:
        """Add what was committed."""
        for key, amount in as_values(increments).items():
            self.values[key] += amount
        self.running.update(increments.running)
        for due in [due for due, amount in self.running.items() if amount == 0 and due in increments.running]:
            del self.running[due]
        self.answers.update(increments.answers)
        for unit, at in increments.heard.items():
            self.heard[unit] = max(at, self.heard.get(unit, at))

    def series(self, now: datetime, world: World) -> Iterator[Series]:
        """Every metric of the journal, in the table's order. `now` is the time the rules run by."""
        stored = _zeros(world)
        for (name, labels), value in self.values.items():
            stored[name][labels] = value
        computed = self._computed(now, world, stored)
        for metric in JOURNAL:
            if metric.kind == "histogram":
                yield Series(metric, {}, _histograms(metric, stored[metric.name]))
            else:
                yield Series(metric, computed.get(metric.name, stored[metric.name]))

    def _computed(
        self, now: datetime, world: World, stored: Mapping[str, Mapping[tuple[str, ...], float]]
    ) -> dict[str, dict[tuple[str, ...], float]]:
        units = world.units
        return {
            "noveto_unit_info": {
                **{(unit, centre, name): 1 for unit, (centre, name) in units.items()},
                **{(unit, "", name): 1 for unit, name in world.departments.items()},
            },
            "noveto_cases_quarantined": {(): self.quarantined},
            "noveto_unit_silent_working_seconds": {
                (unit,): max(0.0, world.working_seconds(centre, self.heard.get(unit, self.began or now), now))
                for unit, (centre, _) in units.items()
            },
            "noveto_centre_open": {(centre,): float(world.open(centre, now)) for centre in world.centres},
            "noveto_centre_working_day_seconds": {
                (centre,): world.working_day_seconds(centre) for centre in world.centres
            },
            "noveto_calendar_certain_seconds": {
                (centre,): world.certain_seconds(centre, now) for centre in world.centres
            },
            "noveto_answers_in_window": self._windows(now, world),
            **self._due(now, units, stored["noveto_limits_started"]),
        }

    def _windows(self, now: datetime, world: World) -> dict[tuple[str, ...], float]:
        answers: dict[str, list[tuple[datetime, str, int]]] = defaultdict(list)
        for (centre, at, result), count in self.answers.items():
            answers[centre].append((at, result, count))
        found: dict[tuple[str, ...], float] = {}
        for centre in world.centres:
            rows = sorted(answers[centre])
            for window, length in WINDOWS.items():
                seconds = length * world.working_day_seconds(centre) if window.endswith("d") else length
                since = world.back(centre, now, seconds)
                sums = dict.fromkeys(RESULTS, 0)
                for _, result, count in rows[bisect_left(rows, (since, "", 0)) :]:
                    sums[result] += count
                found.update({(centre, window, result): count for result, count in sums.items()})
        return found

    def _due(
        self, now: datetime, units: Mapping[str, object], started: Mapping[tuple[str, ...], float]
    ) -> dict[str, dict[tuple[str, ...], float]]:
        known = list(started)
        due = {(*limit, within): 0.0 for limit in known for within in WITHIN}
        overdue = dict.fromkeys(known, 0.0)
        oldest = dict.fromkeys(known, 0.0)
        past_due: dict[tuple[str, ...], float] = {(unit,): 0.0 for unit in units}
        for (unit, kind, due_at), count in self.running.items():
            if count <= 0:
                continue
            if due_at > now:
                for within, length in WITHIN.items():
                    if due_at <= now + length:
                        due[unit, kind, within] = due.get((unit, kind, within), 0) + count
                continue
            overdue[unit, kind] = overdue.get((unit, kind), 0) + count
            oldest[unit, kind] = max(oldest.get((unit, kind), 0.0), (now - due_at).total_seconds())
            if kind == LimitKind.APPROVAL:
                past_due[(unit,)] = past_due.get((unit,), 0) + count
        return {
            "noveto_limits_due": due,
            "noveto_limits_overdue": overdue,
            "noveto_oldest_overdue_seconds": oldest,
            "noveto_heads_without_tail_past_due": past_due,
        }


def _zeros(world: World) -> dict[str, dict[tuple[str, ...], float]]:
    """A counter must be seen at 0 before its first count: else Prometheus never sees it rise."""
    zeros: dict[str, dict[tuple[str, ...], float]] = defaultdict(dict)
    for metric in JOURNAL:
        if metric.labels == ("unit",):
            zeros[metric.name] = {(unit,): 0.0 for unit in world.units}
    for unit in world.units:
        for card in ("breaches", "warnings", "breaches_corrected"):
            usual = (unit, Tier.DECISION_MAKER, LimitKind.APPROVAL, MatterClass.GENERAL)
            zeros[f"noveto_deadline_{card}"][usual] = 0.0
        for name, words in WORDS_OF_UNITS.items():
            zeros[name].update({(unit, word): 0.0 for word in words})
    for unit in world.departments:
        # A department asked is late with its answer, or not; nothing else is its.
        zeros["noveto_deadline_breaches"][unit, DEPARTMENT, LimitKind.CONSULTATION, MatterClass.GENERAL] = 0.0
    for party in (*world.parties, UNKNOWN):
        for name in ("noveto_dead_letters", "noveto_commands_rejected"):
            zeros[name][party, "bad_field"] = 0.0
    return zeros


def as_values(increments: Increments) -> dict[Key, float]:
    """Counters and gauges as they are, observations as a count in their bucket and a share of the sum."""
    values = defaultdict(float, increments.values)
    for name, labels, value in increments.observed:
        buckets = BY_NAME[name].buckets
        at = bisect_left(buckets, value)
        values[name, (*labels, str(at))] += 1
        values[name, (*labels, SUM)] += value
    return {key: amount for key, amount in values.items() if amount}


def _histograms(
    metric: Metric, rows: Mapping[tuple[str, ...], float]
) -> dict[tuple[str, ...], tuple[list[float], float]]:
    counts: dict[tuple[str, ...], list[float]] = defaultdict(lambda: [0.0] * (len(metric.buckets) + 1))
    sums: dict[tuple[str, ...], float] = defaultdict(float)
    for labels, value in rows.items():
        if labels[-1] == SUM:
            sums[labels[:-1]] = value
        else:
            counts[labels[:-1]][int(labels[-1])] = value
    return {labels: (found, sums[labels]) for labels, found in sorted(counts.items())}
