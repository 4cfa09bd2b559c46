"""What the live view shows, folded from `case.events`: where each case stands, and what happened last."""

from collections import Counter, deque
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from topics.vocabulary import (
    CHINESE,
    Card,
    ConsultationAnswer,
    DeliveryChannel,
    LimitKind,
    Outcome,
    RequestKind,
    ReviewerOpinion,
    StageName,
    Tier,
    outcome_in_chinese,
)

MOVES = 12
STAGE_OF = {
    Tier.CLERK: StageName.AT_CLERK,
    Tier.REVIEWER: StageName.AT_REVIEWER,
    Tier.DECISION_MAKER: StageName.AT_DECISION_MAKER,
}


@dataclass(slots=True)
class Seen:
    """One case as far as its events tell."""

    unit: str
    matter: str
    kind: RequestKind
    stage: StageName
    steps: int = 1


@dataclass(frozen=True, slots=True)
class Move:
    """Something that happened to a case, in a line."""

    at: datetime
    unit: str
    matter: str
    what: str


class Progress:
    """Every case of one run, the last moves, and what was turned away."""

    def __init__(self, run: str) -> None:
        self._run = f"-{run}-"
        self.cases: dict[str, Seen] = {}
        self.moves: deque[Move] = deque(maxlen=MOVES)
        self.cards: Counter[Card] = Counter()
        self.guided = 0
        """Guidance at the window that the applicant confirmed: no refusal, so no filing (R05)."""
        self.delivered = 0
        self.turned_away: list[str] = []
        """Rejections and dead letters, a line each."""

    def stages(self) -> Counter[StageName]:
        """How many cases are where."""
        return Counter(seen.stage for seen in self.cases.values())

    def receive(self, _id: str, _type: str, case_id: str, entry: dict[str, Any]) -> None:
        """One journal entry."""
        if self._run not in str(entry.get("caseId", case_id)):
            return
        match entry["kind"]:
            case "event":
                self._event(entry["caseId"], entry["event"])
            case "rejected" | "dead_letter":
                rejection = entry["rejection"]
                origin = entry.get("origin") or {}
                who = f"{origin.get('party')} {origin.get('type')} {origin.get('id')}"
                self.turned_away.append(f"{who}: {rejection['code']}: {rejection['message']}")

    def _event(self, case_id: str, event: dict[str, Any]) -> None:
        if event["type"] == "guidance.recorded":
            self.guided += 1
            self._move(event, event["unitName"], event["matter"]["taskName"], "窗口告知引导，申请人已确认（不需报备）")
            return
        if event["type"] == "case.opened":
            stage = _first_stage(event)
            self.cases[case_id] = Seen(
                event["unitName"], event["matter"]["taskName"], RequestKind(event["requestKind"]), stage
            )
        seen = self.cases.get(case_id)
        if seen is None:
            return
        seen.steps += 1
        what = self._what(seen, event)
        if what:
            self._move(event, seen.unit, seen.matter, what)

    def _what(self, seen: Seen, event: dict[str, Any]) -> str:
        match event["type"]:
            case "case.opened":
                how = (
                    "漏报立案" if event.get("unfiled") else ("拟否决（迟报）" if event.get("lateFiling") else "拟否决")
                )
                return f"{how} → {CHINESE[seen.stage]}；“头”已报备"
            case "case.returned":
                seen.stage = STAGE_OF[Tier(event["toTier"])]
                return f"退回{CHINESE[Tier(event['toTier'])]}：{event['question']}"
            case "proposal.supplied":
                if event.get("backTo"):
                    seen.stage = STAGE_OF[Tier(event["backTo"])]
                return f"窗口已补充 → {CHINESE[seen.stage]}"
            case "case.escalated":
                seen.stage = StageName.AT_DECISION_MAKER
                return f"{CHINESE[ReviewerOpinion(event['opinion'])]} → {CHINESE[seen.stage]}"
            case "tier.passed":
                seen.stage = STAGE_OF[Tier(event["toTier"])]
                return f"{CHINESE[Tier(event['tier'])]}逾期未办 → {CHINESE[seen.stage]}"
            case "tier.restored":
                seen.stage = STAGE_OF[Tier(event["tier"])]
                return f"{CHINESE[Tier(event['tier'])]}系按时办理 → {CHINESE[seen.stage]}"
            case "consultation.asked":
                seen.stage = StageName.IN_CONSULTATION
                return "征询相关部门意见"
            case "opinion.given":
                self._back(seen, event)
                return f"{event['unitName']}：{CHINESE[ConsultationAnswer(event['answer'])]}"
            case "consultation.closed":
                self._back(seen, event)
                return f"{event['unitName']}：逾期未答复"
            case "government.ruled":
                self._back(seen, event)
                return f"本级政府已研究（{event['minutesNumber']}）"
            case "case.referred":
                seen.stage = StageName.AT_GOVERNMENT
                return "报本级政府研究决定"
            case "case.decided":
                seen.stage = StageName.CLOSED
                by = CHINESE[Tier(event["tier"])] if event.get("tier") else "本级政府"
                return f"{by}：{outcome_in_chinese(Outcome(event['outcome']), seen.kind)}；“尾”已报备"
            case "delivery.confirmed":
                self.delivered += 1
                return f"已{CHINESE[DeliveryChannel(event['channel'])]}告知申请人"
            case "card.given":
                self.cards[Card(event["card"])] += 1
                return f"{CHINESE[Card(event['card'])]}：{CHINESE[LimitKind(event['limit'])]}"
            case _:
                return ""

    def _back(self, seen: Seen, event: dict[str, Any]) -> None:
        for task in event.get("tasks", ()):
            seen.stage = STAGE_OF[Tier(task["tier"])]

    def _move(self, event: dict[str, Any], unit: str, matter: str, what: str) -> None:
        self.moves.append(Move(datetime.fromisoformat(event["at"]), unit, matter, what))


def _first_stage(event: dict[str, Any]) -> StageName:
    tiers = {task["tier"] for task in event.get("tasks", ())}
    for tier in (Tier.REVIEWER, Tier.DECISION_MAKER):
        if tier in tiers:
            return STAGE_OF[tier]
    return StageName.AT_CLERK
