"""Label values as an official reads them."""

import re
from collections.abc import Mapping
from enum import StrEnum

from metrics.counting import DEPARTMENT, NOT_STATED
from topics.vocabulary import (
    CHINESE,
    DeliveryChannel,
    InstructionKind,
    LimitKind,
    MatterClass,
    Outcome,
    ReviewerOpinion,
    Situation,
    StageName,
    Tier,
)


def _of(words: type[StrEnum], **more: str) -> dict[str, str]:
    return {str(word): CHINESE[word] for word in words} | more


WORDS: Mapping[str, Mapping[str, str]] = {
    "tier": _of(Tier, **{DEPARTMENT: "被征询部门"}),
    "limit": _of(LimitKind),
    "stage": _of(StageName),
    "situation": _of(Situation, **{NOT_STATED: "未注明情形"}),
    "outcome": _of(Outcome),
    "opinion": _of(ReviewerOpinion),
    "channel": _of(DeliveryChannel),
    "matter_class": _of(MatterClass),
    "kind": _of(InstructionKind),
    "how": {"decision": "主动上报", "inaction": "逾期自动上报"},
    "result": {"in_time": "按时", "late": "超时", "corrected": "更正为按时"},
}
"""Label → value → Chinese. Any other label's values are shown as they are."""


def in_legend(legend: str) -> dict[str, str]:
    """Every value that a legend's labels can have, with its Chinese."""
    labels = re.findall(r"{{(\w+)}}", legend)
    return {value: chinese for label in labels for value, chinese in WORDS.get(label, {}).items()}
