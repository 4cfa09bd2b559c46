"""The one table of every topic: whose it is, what it carries, how it is kept, who writes and who reads.

A topic's last segment names the party (or centre) it belongs to, so the broker's own access lists say who can say and read what,
and topics grow with systems, not with units.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from topics.directory import Directory, Party
from topics.fields import Model
from topics.inbound import (
    CaseWithdrawn,
    CommitteeInstructed,
    ConsultationReplied,
    GovernmentDecided,
    GuidanceGiven,
    RefusalProposed,
    RefusalReported,
    RefusalSupplied,
    ReplyDelivered,
    SupplementsReceived,
    TierDecided,
)
from topics.outbound import (
    ApplicantReply,
    CommandRejected,
    CommandRepeated,
    ConsultationRequested,
    DeadlineAlert,
    GovernmentReferred,
    HeadFiling,
    OpinionForwarded,
    ProgressFiling,
    ReferralClosed,
    RequestClosed,
    TailFiling,
    TaskClosed,
    TierTask,
)
from topics.vocabulary import Tier

MIB = 1024 * 1024
INBOUND_VALUE_BYTES = MIB
"""The largest record a party may write: Kafka's own default."""
INTERNAL_VALUE_BYTES = 4 * MIB
"""Room for a sealed copy of the largest inbound record and its coordinates."""


class Family(StrEnum):
    """A topic's name without its last segment."""

    WINDOW_REFUSALS = "window.refusals"
    TIER_DECISIONS = "tier.decisions"
    CONSULTATION_REPLIES = "consultation.replies"
    COMMITTEE_INSTRUCTIONS = "committee.instructions"
    GOVERNMENT_DECISIONS = "government.decisions"
    CASE_COMMANDS = "case.commands"
    TIER_TASKS = "tier.tasks"
    CONSULTATION_REQUESTS = "consultation.requests"
    APPLICANT_REPLIES = "applicant.replies"
    COMMAND_REJECTIONS = "command.rejections"
    DEADLINE_ALERTS = "deadline.alerts"
    COMMITTEE_FILINGS = "committee.filings"
    GOVERNMENT_REFERRALS = "government.referrals"
    DEAD_LETTERS = "dead.letters"
    CASE_EVENTS = "case.events"


class Owner(StrEnum):
    """What the last segment of a family's topics names."""

    PARTY = "party"
    CENTRE = "centre"
    NOBODY = "nobody"


class Lanes(StrEnum):
    """How a family is partitioned: as senders like it, or partition = lane."""

    FREE = "free"
    LANE = "lane"


@dataclass(frozen=True, slots=True)
class TopicFamily:
    """One row of the table."""

    family: Family
    owner: Owner
    partitions: Lanes
    retention: timedelta | None
    """How long records are kept; None for ever."""
    models: tuple[type[Model], ...]
    written_by: str
    read_by: str
    max_message_bytes: int = INBOUND_VALUE_BYTES + 4096
    broker_time: bool = False
    """Whether the broker's clock stamps the records: what parties write, since receipt is what counts (R29)."""


DAYS_30 = timedelta(days=30)
DAYS_90 = timedelta(days=90)
YEAR = timedelta(days=366)

TOPICS: tuple[TopicFamily, ...] = (
    TopicFamily(
        Family.WINDOW_REFUSALS,
        Owner.PARTY,
        Lanes.FREE,
        DAYS_30,
        (
            RefusalProposed,
            RefusalSupplied,
            RefusalReported,
            GuidanceGiven,
            TierDecided,
            CaseWithdrawn,
            SupplementsReceived,
            ReplyDelivered,
        ),
        "window software: all that a clerk says, in order",
        "intake",
        broker_time=True,
    ),
    TopicFamily(
        Family.TIER_DECISIONS,
        Owner.PARTY,
        Lanes.FREE,
        DAYS_30,
        (TierDecided,),
        "unit systems: reviewers and decision-makers",
        "intake",
        broker_time=True,
    ),
    TopicFamily(
        Family.CONSULTATION_REPLIES,
        Owner.PARTY,
        Lanes.FREE,
        DAYS_30,
        (ConsultationReplied,),
        "departments asked",
        "intake",
        broker_time=True,
    ),
    TopicFamily(
        Family.COMMITTEE_INSTRUCTIONS,
        Owner.PARTY,
        Lanes.FREE,
        DAYS_30,
        (CommitteeInstructed, RefusalReported),
        "committees",
        "intake",
        broker_time=True,
    ),
    TopicFamily(
        Family.GOVERNMENT_DECISIONS,
        Owner.PARTY,
        Lanes.FREE,
        DAYS_30,
        (GovernmentDecided,),
        "governments",
        "intake",
        broker_time=True,
    ),
    TopicFamily(
        Family.CASE_COMMANDS,
        Owner.NOBODY,
        Lanes.LANE,
        DAYS_30,
        (),
        "intake only, without transactions",
        "the desk",
        max_message_bytes=INTERNAL_VALUE_BYTES,
    ),
    TopicFamily(
        Family.TIER_TASKS,
        Owner.PARTY,
        Lanes.LANE,
        DAYS_30,
        (TierTask, TaskClosed, OpinionForwarded),
        "relay",
        "the systems of the tier",
    ),
    TopicFamily(
        Family.CONSULTATION_REQUESTS,
        Owner.PARTY,
        Lanes.LANE,
        DAYS_30,
        (ConsultationRequested, RequestClosed),
        "relay",
        "departments asked",
    ),
    TopicFamily(
        Family.APPLICANT_REPLIES,
        Owner.PARTY,
        Lanes.LANE,
        DAYS_30,
        (ApplicantReply,),
        "relay",
        "the window software that tells the applicant",
    ),
    TopicFamily(
        Family.COMMAND_REJECTIONS,
        Owner.PARTY,
        Lanes.LANE,
        DAYS_30,
        (CommandRejected, CommandRepeated),
        "relay",
        "whoever wrote the command",
    ),
    TopicFamily(
        Family.DEADLINE_ALERTS,
        Owner.PARTY,
        Lanes.LANE,
        DAYS_30,
        (DeadlineAlert,),
        "relay",
        "units and committees",
    ),
    TopicFamily(
        Family.COMMITTEE_FILINGS,
        Owner.CENTRE,
        Lanes.LANE,
        YEAR,
        (HeadFiling, TailFiling, ProgressFiling),
        "relay",
        "the centre's committee",
    ),
    TopicFamily(
        Family.GOVERNMENT_REFERRALS,
        Owner.PARTY,
        Lanes.LANE,
        DAYS_90,
        (GovernmentReferred, ReferralClosed),
        "relay",
        "governments",
    ),
    TopicFamily(
        Family.DEAD_LETTERS,
        Owner.NOBODY,
        Lanes.LANE,
        YEAR,
        (),
        "relay",
        "operators (`noveto dead-letters`)",
        max_message_bytes=INTERNAL_VALUE_BYTES,
    ),
    TopicFamily(
        Family.CASE_EVENTS,
        Owner.NOBODY,
        Lanes.LANE,
        None,
        (),
        "relay",
        "anyone who follows cases; `noveto rebuild`",
        max_message_bytes=INTERNAL_VALUE_BYTES,
    ),
)

FAMILIES: dict[Family, TopicFamily] = {row.family: row for row in TOPICS}
INBOUND_FAMILIES: tuple[Family, ...] = (
    Family.WINDOW_REFUSALS,
    Family.TIER_DECISIONS,
    Family.CONSULTATION_REPLIES,
    Family.COMMITTEE_INSTRUCTIONS,
    Family.GOVERNMENT_DECISIONS,
)


@dataclass(frozen=True, slots=True)
class TopicNames:
    """Names topics and takes names apart. `prefix` stands before every name, e.g. `noveto.`."""

    prefix: str = ""

    def of(self, family: Family, owner: str | None = None) -> str:
        """The topic of a family, for its owner where it has one."""
        return f"{self.prefix}{family}" if owner is None else f"{self.prefix}{family}.{owner}"

    def parse(self, topic: str) -> tuple[Family, str | None] | None:
        """The family and the owner in a topic's name; None where it is none of ours."""
        if not topic.startswith(self.prefix):
            return None
        name = topic[len(self.prefix) :]
        for row in TOPICS:
            if row.owner is Owner.NOBODY:
                if name == row.family:
                    return row.family, None
            elif name.startswith(f"{row.family}.") and "." not in name[len(row.family) + 1 :]:
                return row.family, name[len(row.family) + 1 :]
        return None


def families_of(party: Party) -> frozenset[Family]:
    """Which families a party has a topic in: it follows from what it speaks for."""
    families = {Family.COMMAND_REJECTIONS}
    if party.tiers:
        families |= {Family.TIER_TASKS, Family.DEADLINE_ALERTS}
    if Tier.CLERK in party.tiers:
        families |= {Family.WINDOW_REFUSALS, Family.APPLICANT_REPLIES}
    if party.reports_at:
        families |= {Family.WINDOW_REFUSALS}
    if party.tiers & {Tier.REVIEWER, Tier.DECISION_MAKER}:
        families |= {Family.TIER_DECISIONS}
    if party.consulted_for:
        families |= {Family.CONSULTATION_REQUESTS, Family.CONSULTATION_REPLIES, Family.DEADLINE_ALERTS}
    if party.committee_of:
        families |= {Family.COMMITTEE_INSTRUCTIONS, Family.DEADLINE_ALERTS}
    if party.government_of:
        families |= {Family.GOVERNMENT_REFERRALS, Family.GOVERNMENT_DECISIONS}
    return frozenset(families)


def topics_of(directory: Directory, names: TopicNames) -> Iterator[tuple[str, TopicFamily]]:
    """Every topic that a directory calls for, by name."""
    for row in TOPICS:
        match row.owner:
            case Owner.NOBODY:
                yield names.of(row.family), row
            case Owner.CENTRE:
                for centre in directory.centres:
                    yield names.of(row.family, centre.id), row
            case Owner.PARTY:
                for party in directory.parties:
                    if row.family not in families_of(party):
                        continue
                    if row.family in INBOUND_FAMILIES:
                        yield (
                            names.of(row.family, party.id),
                            replace(row, retention=timedelta(days=party.inbound_retention_days)),
                        )
                    else:
                        yield names.of(row.family, party.id), row
