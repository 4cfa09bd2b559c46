"""Who plays what: the day's cases, as often as asked, cut into the lines of each party."""

import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deploy.demo.pace import Pace, minute_of
from deploy.demo.party.lines import CaseLines, Clock, Line, Lines
from deploy.demo.script import Day, DayCase, Said, ScriptError, UnitDay
from topics.directory import Directory, Party
from topics.registry import Family, TopicNames, families_of
from topics.vocabulary import Tier

READ_FAMILIES = (
    Family.TIER_TASKS,
    Family.APPLICANT_REPLIES,
    Family.COMMAND_REJECTIONS,
    Family.DEADLINE_ALERTS,
    Family.CONSULTATION_REQUESTS,
    Family.GOVERNMENT_REFERRALS,
)
NUMBER = re.compile(r"(?<=〔2026〕)\d+(?=号)")
# A notice's number in a later round is as many higher.
NUMBERS_A_ROUND = 100


@dataclass(frozen=True, slots=True)
class Play:
    """One case of one round."""

    case_id: str
    round: int
    unit: UnitDay
    case: DayCase


@dataclass(frozen=True, slots=True)
class Cast:
    """Every party's lines, and the cases that must come to a head and a tail."""

    lines: tuple[Lines, ...]
    cases: tuple[str, ...]


def plays(day: Day, count: int, run: str) -> list[Play]:
    """The day's cases in order, again and again, until `count` of those that count are among them."""
    chosen: list[Play] = []
    left = count
    round_number = 0
    while left > 0:
        round_number += 1
        for unit, case in day.scenes:
            if left == 0:
                break
            refusal_id = f"{run}-{case.id}-r{round_number}"
            chosen.append(Play(f"{unit.org_code}-{refusal_id}", round_number, unit, case))
            left -= case.counted
    return chosen


def pace_of(speed: float, chosen: list[Play]) -> Pace:
    """The pace that presses the chosen cases, and no more, into the time there is."""
    minutes = [minute_of(play.case.at) for play in chosen]
    return Pace(speed, min(minutes), max(minutes))


def cast(chosen: list[Play], directory: Directory, pace: Pace, clock: Clock) -> Cast:
    """The lines of every party that has any, and of the committees. Raises ScriptError for a unit nobody speaks for."""
    rounds = max(play.round for play in chosen)
    parts: dict[str, dict[str, CaseLines]] = defaultdict(lambda: defaultdict(CaseLines))
    for play in chosen:
        for party, said in _parts(play, directory, pace, rounds):
            _add(parts[party][play.case_id], said)
    for centre in directory.centres:
        committee = directory.committee_party(centre.id)
        if committee is not None:
            parts[committee] = {}
    named = {party.id: party for party in directory.parties}
    lines = tuple(
        Lines(party_id, tuple(_reads(named[party_id])), clock, dict(cases)) for party_id, cases in parts.items()
    )
    return Cast(lines, tuple(play.case_id for play in chosen if play.case.counted))


def _parts(play: Play, directory: Directory, pace: Pace, rounds: int) -> Iterator[tuple[str, CaseLines]]:
    unit, case = play.unit, play.case
    window = _speaker(directory, unit, Tier.CLERK)
    opener = case.opening.get("party", window)
    opening = unit.opening(case)
    about = {"orgCode": unit.org_code, "refusalId": play.case_id.split("-", 1)[1]}
    after = pace.opening(case.at, play.round, rounds)
    yield opener, CaseLines(opening=_line(Family.WINDOW_REFUSALS, opener, opening, about, after))
    for number, step in enumerate(case.steps, 1):
        party = _speaker(directory, unit, step.tier)
        family = Family.WINDOW_REFUSALS if step.tier is Tier.CLERK else Family.TIER_DECISIONS
        said = unit.step(step)
        said = Said(said.type, _renumbered(said.data, play.round))
        line = _line(family, party, said, {}, pace.thinking(play.case_id, number, step.minutes))
        if step.needs_task:
            yield party, CaseLines(answers={str(step.tier): [line]})
        else:
            yield party, CaseLines(unasked=[line])
    for number, opinion in enumerate(case.opinions, 100):
        asked = directory.consulted_party(opinion.org_code)
        if asked is None:
            raise ScriptError(f"nobody answers consultations for {opinion.org_code}")
        said = unit.opinion(opinion)
        line = _line(Family.CONSULTATION_REPLIES, asked, said, {}, pace.thinking(play.case_id, number, opinion.minutes))
        yield asked, CaseLines(answers={f"consultation {opinion.org_code}": [line]})
    if case.government is not None:
        government = _government(directory, unit)
        after = pace.thinking(play.case_id, 200, case.government.minutes)
        said = unit.ruling(case.government)
        said = Said(said.type, _renumbered(said.data, play.round))
        yield (
            government,
            CaseLines(answers={"government": [_line(Family.GOVERNMENT_DECISIONS, government, said, {}, after)]}),
        )
    if case.delivery:
        after = pace.thinking(play.case_id, 0, None)
        yield window, CaseLines(delivery=_line(Family.WINDOW_REFUSALS, window, unit.delivery(case), {}, after))


def _add(lines: CaseLines, more: CaseLines) -> None:
    lines.opening = more.opening or lines.opening
    lines.unasked += more.unasked
    for tier, given in more.answers.items():
        lines.answers.setdefault(tier, []).extend(given)
    lines.delivery = more.delivery or lines.delivery


def _line(family: Family, party: str, said: Said, about: dict[str, Any], after: float) -> Line:
    return Line(TopicNames().of(family, party), said.type, said.data | about, after)


def _speaker(directory: Directory, unit: UnitDay, tier: Tier) -> str:
    speaker = directory.speaker(unit.org_code, tier)
    if speaker is None:
        raise ScriptError(f"nobody speaks for the {tier} of unit {unit.org_code}")
    return speaker


def _government(directory: Directory, unit: UnitDay) -> str:
    known = directory.unit(unit.org_code)
    centre = directory.centre(known.centre or "") if known else None
    government = directory.government_party(centre.area_code) if centre else None
    if government is None:
        raise ScriptError(f"no government decides about unit {unit.org_code}")
    return government


def _reads(party: Party) -> Iterator[str]:
    names = TopicNames()
    for family in READ_FAMILIES:
        if family in families_of(party):
            yield names.of(family, party.id)
    for centre in party.committee_of:
        yield names.of(Family.COMMITTEE_FILINGS, centre)


def _renumbered(value: Any, round_number: int) -> Any:
    """The same, with a number of its own for every notice of a later round."""
    match value:
        case dict():
            return {name: _renumbered(part, round_number) for name, part in value.items()}
        case list():
            return [_renumbered(part, round_number) for part in value]
        case str():
            return NUMBER.sub(lambda number: str(int(number[0]) + NUMBERS_A_ROUND * (round_number - 1)), value)
        case _:
            return value
