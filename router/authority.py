"""What a party may say: it follows from the directory, and from the topic that names the party (guarantee: nobody says what is not theirs)."""

from router.rejections import reject
from topics.directory import Directory
from topics.events import Rejection
from topics.inbound import (
    CommitteeInstructed,
    ConsultationReplied,
    GovernmentDecided,
    Inbound,
    Opening,
    RefusalReported,
    TierDecided,
)
from topics.registry import FAMILIES, Family
from topics.vocabulary import Tier


def may_say(directory: Directory, party_id: str, family: Family, message: Inbound) -> Rejection | None:
    """None where the party may; else a rejection that names what it does not speak for."""
    party = directory.party(party_id)
    if party is None:
        return reject("party_may_not", f"party {party_id} is not in the directory", where="topic")
    if type(message) not in FAMILIES[family].models:
        return reject("unknown_type", f"{message.TYPE} does not belong on {family}", where="ce_type")
    org_code = message.org_code if isinstance(message, Opening) else message.about.split("-", 1)[0]
    unit = directory.unit(org_code)
    if unit is None or unit.centre is None:
        return reject(
            "unknown_unit", f"unit {org_code} is not in the directory, or has no window in a centre", where="orgCode"
        )
    match message:
        case RefusalReported():
            allowed = unit.centre in party.reports_at or unit.centre in party.committee_of
            what = f"report refusals at centre {unit.centre}"
        case TierDecided(tier=tier):
            fits = family is Family.TIER_DECISIONS or tier is Tier.CLERK
            allowed = fits and party.speaks(org_code, tier)
            what = f"speak for the {tier} of unit {org_code} on {family}"
        case ConsultationReplied(org_code=asked):
            allowed = asked in party.consulted_for
            what = f"answer consultations for unit {asked}"
        case CommitteeInstructed():
            allowed = unit.centre in party.committee_of
            what = f"speak for the committee of centre {unit.centre}"
        case GovernmentDecided():
            centre = directory.centre(unit.centre)
            allowed = centre is not None and centre.area_code in party.government_of
            what = f"speak for the government over centre {unit.centre}"
        case _:
            allowed = party.speaks(org_code, Tier.CLERK)
            what = f"speak for the clerks of unit {org_code}"
    return None if allowed else reject("party_may_not", f"party {party_id} does not {what}", where="topic")
