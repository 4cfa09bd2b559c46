"""The pieces that several messages carry."""

from datetime import date
from typing import Annotated

from pydantic import Field

from topics.fields import Code, Instant, Model, Name, OrgCode, Text
from topics.vocabulary import ConfirmationMethod, Outcome


class Actor(Model):
    """An official, as the unit's own system knows them; recorded with every step (R35)."""

    person_id: Code
    name: Name
    post: Name
    acting_for: Code | None = None
    """The absent colleague's personId, where this is a declared deputy (AB岗)."""


class Matter(Model):
    """The service item, by its national names (GB/T 39046-2020)."""

    task_code: Code
    task_name: Name
    catalog_code: Code | None = None


class LegalBasis(Model):
    """A provision, and what it says where the official quotes it (R03)."""

    law: Name
    article: Name
    text: Text | None = None


LegalBases = Annotated[tuple[LegalBasis, ...], Field(max_length=20)]


class CompetentUnit(Model):
    """Who handles it, how and where (告知谁办, R10)."""

    unit: Name
    method: Text
    path: Text
    policy_explained: Text


class MissingItem(Model):
    """One thing that is missing, and how to put it right (R11)."""

    item: Name
    how: Text


class Guidance(Model):
    """What an applicant is told beside a yes or a no (R10, R11)."""

    competent_unit: CompetentUnit | None = None
    missing: Annotated[tuple[MissingItem, ...], Field(max_length=50)] = ()
    guide: Text | None = None
    sample: Text | None = None
    standard: Text | None = None


class Supplement(Model):
    """One document that may follow an acceptance (容缺后补, R12)."""

    item: Name


class Confirmation(Model):
    """The applicant's verifiable word: the slip's number, the code's receipt, the call's recording (R05, R09)."""

    method: ConfirmationMethod
    reference: Code
    at: Instant


class InPerson(Model):
    """Whether the person responsible answers the applicant in person, and who that is (R04)."""

    required: bool
    by: Actor | None = None


ENDED_BY_APPLICANT = frozenset({Outcome.GUIDED, Outcome.WITHDRAWN})


class Precedents(Model):
    """How earlier cases of the same matter, situation and ground ended (R36): counts, and the newest five."""

    counts: dict[Outcome, int] = Field(default_factory=dict)
    newest: Annotated[tuple["Precedent", ...], Field(max_length=5)] = ()

    def settled(self, least: int, share: float) -> Outcome | None:
        """The outcome of a settled line: at least `least` cases, `share` of them the same; else None.

        What an applicant ended (guided, withdrawn) says nothing about how the unit decides, and is not counted.
        """
        decided = {outcome: count for outcome, count in self.counts.items() if outcome not in ENDED_BY_APPLICANT}
        total = sum(decided.values())
        if total < least or total == 0:
            return None
        outcome, count = max(decided.items(), key=lambda item: (item[1], item[0]))
        return outcome if count >= share * total else None


class Precedent(Model):
    """One earlier case."""

    case_id: str
    outcome: Outcome
    closed_at: Instant


class Source(Model):
    """Where a record was read: enough to find it again on its topic. `brokerTime` is its receipt (R29)."""

    topic: str
    partition: int
    offset: int
    broker_time: Instant


class UnitName(Model):
    """A unit as a message names it."""

    org_code: OrgCode
    name: Name


class SupplementDue(Model):
    """The named supplements and the day by whose closing time they are due."""

    supplements: Annotated[tuple[Supplement, ...], Field(min_length=1, max_length=50)]
    promise_date: date
