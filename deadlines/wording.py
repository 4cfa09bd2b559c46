"""The wording of a holiday notice, read back as days, so that an entry can be held against the text it quotes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

_DAY = r"(?:(?:(?P<{0}year>\d{{4}})年)?(?P<{0}month>\d{{1,2}})月)?(?P<{0}day>\d{{1,2}})日(?:（(?P<{0}note>[^）]*)）)?"
_SPAN = re.compile(_DAY.format("a") + r"(?:至" + _DAY.format("b") + r")?")
_UNTIL = re.compile(r"延长(?:\d{4}年)?[^，。\d]*至")
_TOTAL = re.compile(r"(?:共|放假)(\d+)天")
_WEEKDAYS = {"一": 0, "二": 1, "三": 2, "四": 3, "五": 4, "六": 5, "日": 6, "天": 6}
_WEEKDAY = re.compile(r"(?:星期|周)([一二三四五六日天])")


@dataclass(frozen=True, slots=True)
class Wording:
    """What a sentence of a notice says: days off, days worked, its own total, and what it contradicts itself in."""

    rest: frozenset[date]
    work: frozenset[date]
    total: int | None
    extended_until: date | None
    mistakes: tuple[str, ...]


def read_wording(text: str, year: int) -> Wording:
    """Read a festival's sentences as notices since 2014 word them; a month or year not named is the one before it."""
    rest: set[date] = set()
    work: set[date] = set()
    until: date | None = None
    mistakes: list[str] = []
    for clause in re.split(r"[。；]", text):
        spans: list[tuple[date, date]] = []
        for piece in _clauses(clause):
            extension = _UNTIL.search(piece)
            found = list(_spans(piece, year, mistakes))
            if extension and found:
                until = found[-1][1]
                continue
            spans += found
            if "起" in piece and "上班" in piece:
                # “2月3日起正常上班” says when ordinary days resume, not that a day off is worked.
                spans = []
            elif "上班" in piece:
                work.update(_days(spans))
                spans = []
            elif re.search(r"放假|补休|连休", piece):
                rest.update(_days(spans))
                spans = []
    total = _TOTAL.search(text)
    return Wording(frozenset(rest), frozenset(work), int(total[1]) if total else None, until, tuple(mistakes))


def _clauses(sentence: str) -> Iterator[str]:
    """The parts of a sentence between commas; commas within brackets do not divide."""
    return (part for part in re.split(r"，(?![^（]*）)", sentence) if part)


def _spans(piece: str, year: int, mistakes: list[str]) -> Iterator[tuple[date, date]]:
    month = 0
    for match in _SPAN.finditer(piece):
        first_year, month = int(match["ayear"] or year), int(match["amonth"] or month)
        ends: list[date] = []
        for end in ("a", "b") if match["bday"] else ("a",):
            first_year, month = int(match[end + "year"] or first_year), int(match[end + "month"] or month)
            try:
                day = date(first_year, month, int(match[end + "day"]))
            except ValueError:
                mistakes.append(f"“{match[0]}” names no date")
                return
            named = _WEEKDAY.search(match[end + "note"] or "")
            if named and _WEEKDAYS[named[1]] != day.weekday():
                mistakes.append(f"“{match[0]}”: {day} is not a {named[0]}")
            ends.append(day)
        yield ends[0], ends[-1]


def _days(spans: list[tuple[date, date]]) -> Iterator[date]:
    for first, last in spans:
        yield from (first + timedelta(days=n) for n in range((last - first).days + 1))
