"""Who is who: centres, units, and the parties (systems) that speak for them, at which tiers.

What a party may write and read follows from what it speaks for, and so do the names of its topics.
"""

from collections.abc import Iterator
from functools import cached_property
from typing import Annotated

from pydantic import Field, model_validator

from topics.fields import Code, Model, Name, OrgCode
from topics.vocabulary import Outcome, Tier

# A party's or a centre's id ends a topic's name, so it is what Kafka allows there, without the dot that separates.
Segment = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]*$")]

# A party is a user of the broker by its id: it must not be one of the router's own.
RESERVED = "noveto-"


class Centre(Model):
    """A building with windows of many units, run by a committee (服务中心管委会)."""

    id: Segment
    name: Name
    committee: Name
    area_code: Code
    government: Name


class ConsentedSkip(Model):
    """The committee's recorded consent to a unit without a reviewer (R02): the skipped level is in every record."""

    document: Name


class UnitPolicy(Model):
    """What a unit does otherwise than the default; never less strict than the opinion."""

    reviewer_may: Annotated[tuple[Outcome, ...], Field(max_length=2)] = ()
    supplements_allowed: dict[Code, tuple[Name, ...]] = Field(default_factory=dict)
    """The list of each matter (容缺清单, by taskCode): what a clerk may accept without (R12)."""
    clerk_hours: Annotated[float, Field(gt=0, le=7)] = 2
    """Working hours a clerk has for what is asked of them."""
    reviewer_hours: Annotated[float, Field(gt=0, le=7)] = 3
    """Working hours a reviewer may hold a case."""
    count_from_next_working_day: bool = False
    """A request outside a working day is deemed made on the next one (R25)."""

    @model_validator(mode="after")
    def _no_refusal_below_the_decision_maker(self) -> "UnitPolicy":
        allowed = {Outcome.REDIRECTED, Outcome.SUPPLEMENTS_REQUIRED}
        for outcome in self.reviewer_may:
            if outcome not in allowed:
                raise ValueError(
                    f"reviewerMay: only redirected and supplements_required can be given to a reviewer, not {outcome}"
                )
        return self


class Unit(Model):
    """An authority with windows: first responsible (R06). `orgCode` is its GB 32100 code."""

    org_code: OrgCode
    name: Name
    area_code: Code
    centre: Segment | None = None
    without_reviewer: ConsentedSkip | None = None
    policy: UnitPolicy = UnitPolicy()


class Speech(Model):
    """Units a party speaks for, at the named tiers."""

    units: Annotated[tuple[OrgCode, ...], Field(min_length=1)]
    tiers: Annotated[tuple[Tier, ...], Field(min_length=1)]


class Party(Model):
    """A system that speaks for units, for a committee, for departments asked, or for a government."""

    id: Segment
    name: Name
    speaks_for: tuple[Speech, ...] = ()
    reports_at: tuple[Segment, ...] = ()
    """Centres at which it may report a refusal that was never filed: consultation desk, 12345 (R08)."""
    committee_of: tuple[Segment, ...] = ()
    consulted_for: tuple[OrgCode, ...] = ()
    government_of: tuple[Code, ...] = ()
    """Areas whose government it speaks for (R15)."""
    inbound_retention_days: Annotated[int, Field(ge=30, le=366)] = 30
    """How long what it writes, applicants in clear among it, stays on its topics; shorter than a long holiday would lose messages."""

    def speaks(self, org_code: str, tier: Tier) -> bool:
        """Whether it may speak for that unit at that tier."""
        return any(org_code in speech.units and tier in speech.tiers for speech in self.speaks_for)

    @property
    def tiers(self) -> frozenset[Tier]:
        """Every tier at which it speaks for some unit."""
        return frozenset(tier for speech in self.speaks_for for tier in speech.tiers)


Place = tuple[str | int, ...]
"""Where something stands in the file: names of fields, and numbers in lists."""
Misfit = tuple[Place, str]


class Misfits(ValueError):
    """Parts of a directory that do not fit together, each with its place."""

    def __init__(self, found: tuple[Misfit, ...]) -> None:
        self.found = found
        super().__init__("; ".join(what for _, what in found))


class Directory(Model):
    """The whole of it. `version` stands in every journal entry that it decided."""

    version: Name
    centres: tuple[Centre, ...]
    units: tuple[Unit, ...]
    parties: tuple[Party, ...]

    @model_validator(mode="after")
    def _consistent(self) -> "Directory":
        misfits = tuple(self._misfits())
        if misfits:
            raise Misfits(misfits)
        return self

    def _misfits(self) -> Iterator[Misfit]:
        yield from self._twice()
        yield from self._of_units()
        yield from self._of_centres()
        for number, party in enumerate(self.parties):
            yield from self._of_party(("parties", number), party)

    def _twice(self) -> Iterator[Misfit]:
        for what, place, ids in (
            ("centre", "centres", [centre.id for centre in self.centres]),
            ("unit", "units", [unit.org_code for unit in self.units]),
            ("party", "parties", [party.id for party in self.parties]),
        ):
            for number, name in enumerate(ids):
                if name in ids[:number]:
                    yield (place, number), f"{what} {name} stands twice"

    def _of_units(self) -> Iterator[Misfit]:
        centres = {centre.id for centre in self.centres}
        for number, unit in enumerate(self.units):
            if unit.centre is None:
                continue
            if unit.centre not in centres:
                yield ("units", number, "centre"), f"unit {unit.org_code}: no centre {unit.centre}"
            needed = [Tier.CLERK, Tier.DECISION_MAKER] + ([] if unit.without_reviewer else [Tier.REVIEWER])
            for tier in needed:
                speakers = [party.id for party in self.parties if party.speaks(unit.org_code, tier)]
                if len(speakers) != 1:
                    yield (
                        ("units", number),
                        f"unit {unit.org_code}: {len(speakers)} parties speak for its {tier}, must be one",
                    )

    def _of_centres(self) -> Iterator[Misfit]:
        for number, centre in enumerate(self.centres):
            committees = [party.id for party in self.parties if centre.id in party.committee_of]
            if len(committees) != 1:
                yield (
                    ("centres", number),
                    f"centre {centre.id}: {len(committees)} parties are its committee, must be one",
                )

    def _of_party(self, place: Place, party: Party) -> Iterator[Misfit]:
        units = {unit.org_code for unit in self.units}
        centres = {centre.id for centre in self.centres}
        if party.id.startswith(RESERVED):
            yield (*place, "id"), f"party {party.id}: names that begin with {RESERVED} are the router's own"
        for number, speech in enumerate(party.speaks_for):
            for nth, org_code in enumerate(speech.units):
                if org_code not in units:
                    yield (*place, "speaksFor", number, "units", nth), f"party {party.id}: no unit {org_code}"
        for nth, org_code in enumerate(party.consulted_for):
            if org_code not in units:
                yield (
                    (*place, "consultedFor", nth),
                    f"party {party.id}: no unit {org_code} to be consulted for",
                )
            others = [other.id for other in self.parties if org_code in other.consulted_for]
            if others[0] != party.id:
                yield (*place, "consultedFor", nth), f"party {party.id}: {others[0]} answers for {org_code} already"
        for field, named in (("reportsAt", party.reports_at), ("committeeOf", party.committee_of)):
            for nth, centre_id in enumerate(named):
                if centre_id not in centres:
                    yield (*place, field, nth), f"party {party.id}: no centre {centre_id}"
        for nth, area in enumerate(party.government_of):
            others = [other.id for other in self.parties if area in other.government_of]
            if others[0] != party.id:
                yield (
                    (*place, "governmentOf", nth),
                    f"party {party.id}: {others[0]} is the government of {area} already",
                )

    @cached_property
    def _units(self) -> dict[str, Unit]:
        return {unit.org_code: unit for unit in self.units}

    @cached_property
    def _centres(self) -> dict[str, Centre]:
        return {centre.id: centre for centre in self.centres}

    @cached_property
    def _parties(self) -> dict[str, Party]:
        return {party.id: party for party in self.parties}

    @cached_property
    def _speakers(self) -> dict[tuple[str, Tier], str]:
        return {
            (org_code, tier): party.id
            for party in self.parties
            for speech in party.speaks_for
            for org_code in speech.units
            for tier in speech.tiers
        }

    def unit(self, org_code: str) -> Unit | None:
        """The unit with that code."""
        return self._units.get(org_code)

    def centre(self, centre_id: str) -> Centre | None:
        """The centre with that id."""
        return self._centres.get(centre_id)

    def party(self, party_id: str) -> Party | None:
        """The party with that id."""
        return self._parties.get(party_id)

    def speaker(self, org_code: str, tier: Tier) -> str | None:
        """The party that speaks for that unit at that tier."""
        return self._speakers.get((org_code, tier))

    def committee_party(self, centre_id: str) -> str | None:
        """The party that speaks for that centre's committee."""
        return next((party.id for party in self.parties if centre_id in party.committee_of), None)

    def consulted_party(self, org_code: str) -> str | None:
        """The party that answers consultations for that unit."""
        return next((party.id for party in self.parties if org_code in party.consulted_for), None)

    def government_party(self, area_code: str) -> str | None:
        """The party that speaks for that area's government."""
        return next((party.id for party in self.parties if area_code in party.government_of), None)
