"""The notices of the State Council's General Office (国务院办公厅) that arrange a year's holidays, as their files say."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, model_validator

from .wording import read_wording

FESTIVALS_IN_ENGLISH = {
    "元旦": "New Year's Day",
    "春节": "Spring Festival",
    "清明节": "Qingming",
    "劳动节": "Labour Day",
    "端午节": "Dragon Boat Festival",
    "中秋节": "Mid-Autumn Festival",
    "国庆节": "National Day",
}

Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1)]


class Entry(BaseModel):
    """What all entries of a calendar file have in common: frozen, and a key nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(Entry):
    """Days from the first to the last, both included; in a file `2026-10-01/2026-10-07`, or one date alone."""

    first: date
    last: date

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        if self.last < self.first:
            raise ValueError(f"{self.first}/{self.last} ends before it begins")
        if (self.last - self.first).days > 366:
            raise ValueError(f"{self.first}/{self.last} is longer than a year")
        return self

    def __iter__(self) -> Iterator[date]:  # type: ignore[override]
        return (self.first + timedelta(days=n) for n in range(len(self)))

    def __len__(self) -> int:
        return (self.last - self.first).days + 1

    def __str__(self) -> str:
        return str(self.first) if self.first == self.last else f"{self.first}/{self.last}"


def _as_span(value: Any) -> Any:
    if isinstance(value, date):
        return {"first": value, "last": value}
    if isinstance(value, str):
        first, _, last = value.partition("/")
        return {"first": first.strip(), "last": (last or first).strip()}
    return value


Days = Annotated[Span, BeforeValidator(_as_span)]


class Festival(Entry):
    """One festival's arrangement: the sentence of the notice, the days off, and the make-up workdays (调休上班).

    An entry that `extends` names the days added to the festival as arranged before; any other replaces it whole.
    `by_hand` says that a person has compared the days with a sentence worded in a way that cannot be read here.
    """

    name: Text
    text: Text
    rest: Days
    work: tuple[date, ...] = ()
    extends: bool = False
    by_hand: bool = False

    @property
    def english(self) -> str:
        return ", ".join(FESTIVALS_IN_ENGLISH.get(part, part) for part in self.name.split("、"))

    @model_validator(mode="after")
    def _weekends_are_worked(self) -> Self:
        for day in self.work:
            if day.weekday() < 5:
                raise ValueError(f"make-up workday {day} is not a Saturday or Sunday: it is worked anyway")
            if day in set(self.rest):
                raise ValueError(f"{day} is both a day off and a make-up workday")
        return self

    def held_against_text(self, year: int) -> list[str]:
        """Where the days differ from the sentence quoted; empty when they agree."""
        if self.by_hand:
            return []
        says = read_wording(self.text, year)
        mistakes = list(says.mistakes)
        rest, work = set(self.rest), set(self.work)
        if (says.extended_until is not None) is not self.extends:
            mistakes.append("`extends: true` belongs to a text that extends a holiday (“延长……至”), and to no other")
        if says.extended_until is not None:
            # The sentence names only the end; `rest` begins on the day after the holiday as it was.
            if says.extended_until != self.rest.last:
                mistakes.append(f"the text extends to {says.extended_until}, `rest` ends on {self.rest.last}")
            return mistakes
        if says.rest != rest:
            mistakes.append(f"`rest` and the text differ on {_listed(says.rest ^ rest)}")
        if says.work != work:
            mistakes.append(f"`work` and the text differ on {_listed(says.work ^ work)}")
        if says.total is not None and says.total != len(self.rest):
            mistakes.append(f"the text says {says.total} days, `rest` has {len(self.rest)}")
        return mistakes


class Notice(Entry):
    """A notice: document number (发文字号), date signed, title, where it is published, and its festivals."""

    number: Annotated[str, StringConstraints(pattern=r"^国(办)?发(明电)?〔\d{4}〕\d+号$")]
    date: date
    title: Text
    source: str = ""
    amends: str = ""
    festivals: tuple[Festival, ...] = Field(min_length=1)


class Year(Entry):
    """A year's holidays: its notice, and those that amended it, in the order of their dates."""

    year: int = Field(ge=2000, le=2099)
    notices: tuple[Notice, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _says_what_it_quotes(self) -> Self:
        first, *later = self.notices
        if first.amends:
            raise ValueError(f"{first.number} is the year's first notice and amends nothing")
        known = {first.number: first}
        for notice in later:
            if notice.amends not in known:
                raise ValueError(f"{notice.number} must name in `amends` which notice of the year it amends")
            if notice.date < known[notice.amends].date:
                raise ValueError(f"{notice.number} is dated before {notice.amends}, which it amends")
            known[notice.number] = notice
        for notice in self.notices:
            if notice is first and any(festival.extends for festival in notice.festivals):
                raise ValueError(f"{first.number} is the year's first notice and extends nothing")
            names = [festival.name for festival in notice.festivals]
            if len(set(names)) < len(names):
                raise ValueError(f"{notice.number} arranges a festival twice")
            for festival in notice.festivals:
                place = f"{notice.number} {festival.name}"
                for day in (*festival.rest, *festival.work):
                    if day.year != self.year and not (day.year == self.year - 1 and day.month == 12):
                        raise ValueError(f"{place}: {day} lies outside {self.year} and the December before it")
                if mistakes := festival.held_against_text(self.year):
                    raise ValueError(f"{place}: {'; '.join(mistakes)}")
        self._days_named_once()
        arranged = {part for _, festival in self.in_force() for part in festival.name.split("、")}
        if missing := [name for name in FESTIVALS_IN_ENGLISH if name not in arranged]:
            raise ValueError(f"{self.year} is not complete: {'、'.join(missing)} missing")
        return self

    def _days_named_once(self) -> None:
        named: dict[date, str] = {}
        for _, festival in self.in_force():
            if festival.extends:
                # It may say otherwise of a day: 1 February 2020 was to be worked and is off.
                continue
            for day in (*festival.rest, *festival.work):
                if day in named:
                    raise ValueError(f"{day} is named by both {named[day]} and {festival.name}")
                named[day] = festival.name

    def in_force(self) -> tuple[tuple[Notice, Festival], ...]:
        """The festivals as last arranged: a later entry replaces the festival of its name, or extends it."""
        arranged: dict[str, list[tuple[Notice, Festival]]] = {}
        for notice in self.notices:
            for festival in notice.festivals:
                if festival.extends and festival.name in arranged:
                    arranged[festival.name].append((notice, festival))
                else:
                    arranged[festival.name] = [(notice, festival)]
        return tuple(entry for entries in arranged.values() for entry in entries)


def _listed(days: set[date] | frozenset[date]) -> str:
    return ", ".join(str(day) for day in sorted(days))
