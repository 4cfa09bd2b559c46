"""The day as written down in `deploy/sample/day/`: what each window is asked, and what each tier answers.

A file tells one unit's cases. Everything that will be said is checked against the contracts when the day is loaded, so a
mistake is named by file, case and field.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import Field, StringConstraints, ValidationError, model_validator

from deploy.demo.party.moments import filled
from topics.fields import Model, OrgCode
from topics.inbound import INBOUND, GuidanceGiven, RefusalProposed, RefusalReported
from topics.parts import Actor, Matter
from topics.vocabulary import ConsultationAnswer, DeliveryChannel, Outcome, Tier

CaseName = Annotated[str, StringConstraints(pattern=r"^[a-z]+[0-9]{2}$")]
TimeOfDay = Annotated[str, StringConstraints(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
OPENINGS = {model.TYPE for model in (RefusalProposed, RefusalReported, GuidanceGiven)}
# Any instant does, to see whether what is said later will be well formed.
SOME_DAY = datetime(2026, 11, 23, 1, 0, tzinfo=UTC)


class ScriptError(ValueError):
    """A mistake in the day; names the file and, where it is one case's, the case."""


@dataclass(frozen=True, slots=True)
class Said:
    """A message without its case's id: its CloudEvents type and its data, with moments still to be filled in."""

    type: str
    data: dict[str, Any]

    def check(self, org_code: str) -> None:
        """Raise ValidationError where the contract would not take it."""
        data = filled(self.data, SOME_DAY)
        if self.type in OPENINGS:
            data |= {"orgCode": org_code, "refusalId": "check"}
        else:
            data |= {"caseId": f"{org_code}-check"}
        INBOUND[self.type].model_validate(data)


class Step(Model):
    """What one official does: an answer to the task of their tier, or, `unasked`, something said without one."""

    tier: Tier
    by: str | None = None
    """Who of the unit's people, where it is not the one whom the tier names."""
    unasked: bool = False
    minutes: Annotated[int, Field(gt=0)] | None = None
    """How long they take over it, where the day is played in virtual time and it matters."""
    decision: dict[str, Any] | None = None
    supply: dict[str, Any] | None = None
    withdraw: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _one_thing(self) -> "Step":
        if sum(part is not None for part in (self.decision, self.supply, self.withdraw)) != 1:
            raise ValueError("a step is one of decision, supply, withdraw")
        return self

    @property
    def needs_task(self) -> bool:
        """Whether it answers a task."""
        return not self.unasked and self.withdraw is None


class Opinion(Model):
    """What a department answers when it is asked (R14)."""

    org_code: OrgCode
    by: str
    answer: ConsultationAnswer
    reason: str
    minutes: Annotated[int, Field(gt=0)] | None = None


class Ruling(Model):
    """What the government decides when the case is referred to it (R15)."""

    by: str
    minutes_number: str
    ruling: dict[str, Any]
    minutes: Annotated[int, Field(gt=0)] | None = None


class DayCase(Model):
    """One request at a window, and what becomes of it."""

    id: CaseName
    at: TimeOfDay
    asked: Annotated[int, Field(ge=0)] = 3
    """Minutes between the applicant's asking and the window's proposal (R29)."""
    opening: dict[str, Any]
    applicant: dict[str, Any]
    steps: tuple[Step, ...] = ()
    opinions: tuple[Opinion, ...] = ()
    """Of the departments that a step consults."""
    government: Ruling | None = None
    """Where a step refers the case."""
    delivery: DeliveryChannel | None = None
    outcome: Outcome | None = None
    """How the case ends; absent where there is none, because guidance at the window was enough (R05)."""

    @property
    def counted(self) -> bool:
        """Whether it has a head and a tail."""
        return self.outcome is not None


class UnitDay(Model):
    """One file: a unit's people, matters and cases."""

    org_code: OrgCode
    people: dict[str, Actor]
    matters: dict[str, Matter]
    cases: tuple[DayCase, ...]

    def opening(self, case: DayCase) -> Said:
        """What opens the case."""
        said = dict(case.opening)
        said.pop("party", None)
        kind = said.pop("type", RefusalProposed.TYPE)
        data = {
            "matter": self.matters[said.pop("matter")].model_dump(mode="json", by_alias=True, exclude_none=True),
            "askedAt": f"$now-{case.asked * 60}",
            "applicant": case.applicant,
        }
        match kind:
            case RefusalProposed.TYPE:
                data |= {
                    "proposedBy": self._person("clerk"),
                    "firstAsked": self._person(said.pop("firstAsked", "clerk")),
                }
            case RefusalReported.TYPE:
                data |= {"reportedBy": self._person(said.pop("reportedBy"))}
            case GuidanceGiven.TYPE:
                data |= {"givenBy": self._person("clerk")}
            case _:
                raise KeyError(kind)
        return Said(kind, data | said)

    def step(self, step: Step) -> Said:
        """What a step says."""
        actor = self._person(step.by or step.tier)
        if step.decision is not None:
            return Said("tier.decided", {"tier": str(step.tier), "actor": actor, "decision": step.decision})
        if step.supply is not None:
            return Said("refusal.supplied", {"actor": actor, **step.supply})
        withdrawal = dict(step.withdraw or {})
        if "confirmation" in withdrawal:
            withdrawal["confirmation"] = {"at": "$now", **withdrawal["confirmation"]}
        return Said("case.withdrawn", {"actor": actor, **withdrawal})

    def delivery(self, case: DayCase) -> Said:
        """That the applicant was told; the reply's id is added by whoever tells them (R38)."""
        data = {"replyId": "reply", "actor": self._person("clerk"), "channel": case.delivery, "deliveredAt": "$now"}
        return Said("reply.delivered", data)

    def opinion(self, opinion: Opinion) -> Said:
        """What a department answers; the request's id is added by whoever answers it."""
        data = {"orgCode": opinion.org_code, "answer": str(opinion.answer), "reason": opinion.reason}
        return Said("consultation.replied", {"requestId": "request", "actor": self._person(opinion.by), **data})

    def ruling(self, ruling: Ruling) -> Said:
        """What the government decides; the referral's id is added by whoever decides."""
        data = {"minutesNumber": ruling.minutes_number, "ruling": ruling.ruling}
        return Said("government.decided", {"referralId": "referral", "actor": self._person(ruling.by), **data})

    def responses(self, case: DayCase) -> Iterator[Said]:
        """What others than the unit say about the case, because they are asked."""
        for opinion in case.opinions:
            yield self.opinion(opinion)
        if case.government is not None:
            yield self.ruling(case.government)

    def all_said(self, case: DayCase) -> Iterator[Said]:
        """Everything that is said about the case, in order."""
        yield self.opening(case)
        for step in case.steps:
            yield self.step(step)
        if case.delivery:
            yield self.delivery(case)

    def _person(self, name: str) -> dict[str, Any]:
        return self.people[name].model_dump(mode="json", by_alias=True, exclude_none=True)


@dataclass(frozen=True, slots=True)
class Day:
    """Every unit's cases, in the order of the day."""

    scenes: tuple[tuple[UnitDay, DayCase], ...]

    @property
    def counted(self) -> int:
        """How many cases end with a head and a tail."""
        return sum(case.counted for _, case in self.scenes)


def load_day(folder: Path) -> Day:
    """Every `*.yaml` of the folder. Raises ScriptError."""
    scenes = [(unit, case) for path in sorted(folder.glob("*.yaml")) for unit in [_load(path)] for case in unit.cases]
    if not scenes:
        raise ScriptError(f"{folder}: no case")
    names = [case.id for _, case in scenes]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ScriptError(f"{folder}: {', '.join(twice)} stands twice")
    return Day(tuple(sorted(scenes, key=lambda scene: (scene[1].at, scene[1].id))))


def _load(path: Path) -> UnitDay:
    try:
        unit = UnitDay.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise ScriptError(f"{path.name}: {error}") from error
    for case in unit.cases:
        try:
            for said in (*unit.all_said(case), *unit.responses(case)):
                said.check(unit.org_code)
        except KeyError as error:
            raise ScriptError(f"{path.name}: {case.id}: nobody and nothing is called {error}") from error
        except ValidationError as error:
            raise ScriptError(f"{path.name}: {case.id}: {error}") from error
    return unit
