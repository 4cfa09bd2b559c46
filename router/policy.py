"""Which tier may do what, and how long it has: data, in the strictest reading of the opinion.

A centre may change what is marked `policy` in docs/rules.md; what the opinion itself fixes cannot be changed here.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final

from pydantic import Field, model_validator

from topics.directory import Unit
from topics.fields import Model, Name
from topics.vocabulary import Outcome, Tier

# What each tier may do with a case (the outcome table of the mechanism). The clerk has only the power to say yes, and to guide (R01, R05).
POWERS: Final[Mapping[Tier, frozenset[str]]] = MappingProxyType(
    {
        Tier.CLERK: frozenset({"accept", "accept_with_supplements", "guide", "interim", "answer_instruction"}),
        Tier.REVIEWER: frozenset(
            {
                "accept",
                "accept_with_supplements",
                "guide",
                "interim",
                "return",
                "escalate",
                "confirm_withdrawal",
                "consult",
                "answer_instruction",
            }
        ),
        Tier.DECISION_MAKER: frozenset(
            {
                "accept",
                "accept_with_supplements",
                "interim",
                "return",
                "consult",
                "refuse",
                "redirect",
                "require_supplements",
                "refer",
                "declare",
                "answer_instruction",
            }
        ),
    }
)

# What a unit's policy may add to the reviewer's powers.
GRANTABLE: Final[Mapping[Outcome, str]] = MappingProxyType(
    {Outcome.REDIRECTED: "redirect", Outcome.SUPPLEMENTS_REQUIRED: "require_supplements"}
)

# Acts that bring a yes, or that take nothing from the applicant: the separation of duties (R07) does not touch them.
HARMLESS: Final = frozenset({"accept", "accept_with_supplements", "guide", "interim", "answer_instruction"})


class Policy(Model):
    """Defaults for every unit. Durations in working days, working hours or minutes, as named."""

    version: Name = "default-1"
    general_days: Annotated[int, Field(ge=1, le=1)] = 1
    special_days: Annotated[int, Field(ge=1, le=2)] = 2
    fast_response_days: Annotated[int, Field(ge=1, le=1)] = 1
    statutory_notice_days: Annotated[int, Field(ge=1, le=5)] = 5
    consultation_hours: Annotated[float, Field(gt=0, le=14)] = 4
    """Working hours a department has for its answer, always inside the case's own limit."""
    instruction_days: Annotated[int, Field(ge=1, le=5)] = 1
    delivery_days: Annotated[int, Field(ge=1, le=10)] = 1
    """Working days within which the applicant is told of a decision (R38)."""
    yellow_share: Annotated[float, Field(gt=0, lt=1)] = 0.75
    """The share of a limit's working time after which a yellow card is given (R27)."""
    reviewer_share: Annotated[float, Field(gt=0, lt=1)] = 0.6
    """The share of the approval's working time by which the reviewer's part ends, so that the decision-maker can act (R24)."""
    late_filing_minutes: Annotated[int, Field(ge=0, le=30)] = 30
    """A head later than this after the applicant asked is a late filing (迟报, R29)."""
    settled_least: Annotated[int, Field(ge=1)] = 5
    settled_share: Annotated[float, Field(gt=0.5, le=1)] = 0.8
    """From when on earlier cases make a settled line (R36)."""
    grant: dict[Tier, tuple[str, ...]] = Field(default_factory=dict)
    """Acts granted to a tier beyond `POWERS`: only redirect and require_supplements, only to the reviewer."""

    @model_validator(mode="after")
    def _no_veto_below_the_decision_maker(self) -> "Policy":
        for tier, acts in self.grant.items():
            for act in acts:
                if tier is not Tier.REVIEWER or act not in GRANTABLE.values():
                    raise ValueError(
                        f"grant: {act} cannot be given to the {tier}: only the decision-maker can say no (R01, R02)"
                    )
        return self

    def powers(self, tier: Tier, unit: Unit) -> frozenset[str]:
        """What that tier of that unit may do."""
        # Nothing can be granted to the others: neither policy nor directory would load.
        if tier is not Tier.REVIEWER or not (self.grant or unit.policy.reviewer_may):
            return POWERS[tier]
        return POWERS[tier].union(
            self.grant.get(tier, ()), (GRANTABLE[outcome] for outcome in unit.policy.reviewer_may)
        )


DEFAULT_POLICY = Policy()
