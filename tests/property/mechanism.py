"""What `docs/mechanism.md` shows of the code: the stages as the walk found them, the powers, the limits.

`python -m tests.property.mechanism` writes those parts of both pages anew; a test compares them.
"""

import re
from collections import defaultdict
from pathlib import Path

from router.policy import DEFAULT_POLICY, POWERS
from topics.directory import UnitPolicy
from topics.vocabulary import CHINESE, RequestKind, StageName, Tier

from ..unit.router import world
from .walk import Walked, visited

DOCS = Path(__file__).parents[2] / "docs"
PAGES = {"en": DOCS / "mechanism.md", "zh": DOCS / "mechanism.zh.md"}

STAGES = {
    StageName.AT_CLERK: "with the clerk, who is asked",
    StageName.AT_REVIEWER: "with the reviewer",
    StageName.AT_DECISION_MAKER: "with the decision-maker",
    StageName.IN_CONSULTATION: "departments are asked",
    StageName.AT_GOVERNMENT: "with the government",
    StageName.CLOSED: "ended",
}
FACTS = {
    "case.opened": ("refusal proposed or reported (head)", "提出或反映（一头）"),
    "guidance.recorded": ("guided, confirmed", "告知引导并经确认"),
    "proposal.supplied": ("supplied", "补充说明"),
    "case.returned": ("returned", "退回"),
    "case.escalated": ("opinion given", "审核意见"),
    "tier.passed": ("inaction", "逾期未办"),
    "tier.restored": ("acted in time, read late", "按时办理，恢复"),
    "consultation.asked": ("departments asked", "征询部门"),
    "opinion.given": ("last opinion in", "意见收齐"),
    "consultation.closed": ("silence", "逾期未答复"),
    "case.referred": ("referred", "报请"),
    "government.ruled": ("unit directed", "交办"),
    "case.decided": ("outcome (tail)", "结果（一尾）"),
}
ACTS = {
    "accept": ("accept", "予以受理、予以办理"),
    "accept_with_supplements": ("accept, supplements to follow", "容缺受理"),
    "guide": ("guide, with the applicant's confirmation", "告知引导（经申请人确认）"),
    "interim": ("interim answer", "先行答复"),
    "answer_instruction": ("answer the committee", "答复管委会"),
    "return": ("return with a question", "退回询问"),
    "escalate": ("opinion, and up", "提出审核意见并上报"),
    "confirm_withdrawal": ("confirm a withdrawal with the applicant", "向申请人核实撤回"),
    "consult": ("ask departments", "征询部门意见"),
    "redirect": ("say who handles it", "告知谁办"),
    "require_supplements": ("require supplements, all at once", "一次性告知补正"),
    "refuse": ("refuse", "不予受理、不予支持"),
    "refer": ("refer to the government", "报本级政府研究"),
    "declare": ("declare special, or major and difficult", "认定特殊事项、重大疑难事项"),
}


def diagram(walks: list[Walked], language: str) -> str:
    """The stages and what leads from one to another, as a mermaid state diagram."""
    place = 0 if language == "en" else 1
    moves: dict[tuple[str, str], set[str]] = defaultdict(set)
    for before, fact, after in {move for walked in walks for move in walked.moves}:
        if before != after:
            moves[before or "[*]", after].add(fact)
    order = list(FACTS)
    lines = ["```mermaid", "stateDiagram-v2"]
    for stage in StageName:
        lines.append(f"    {stage}: {STAGES[stage] if language == 'en' else CHINESE[stage]}")
    separator = ", " if language == "en" else "、"
    for (before, after), facts in sorted(moves.items()):
        label = separator.join(FACTS[fact][place] for fact in sorted(facts, key=order.index))
        lines.append(f"    {before} --> {after}: {label}")
    lines += [f"    {StageName.CLOSED} --> [*]", "```"]
    return "\n".join(lines)


def powers(language: str) -> str:
    """Who may do what, from the table that decides it."""
    place = 0 if language == "en" else 1
    heads = [tier.replace("_", "-") if language == "en" else CHINESE[tier] for tier in Tier]
    lines = [f"| {'act' if language == 'en' else '处理'} | " + " | ".join(heads) + " |", "|---|:-:|:-:|:-:|"]
    for act, names in ACTS.items():
        marks = ["✓" if act in POWERS[tier] else "" for tier in Tier]
        lines.append(f"| {names[place]} | " + " | ".join(marks) + " |")
    return "\n".join(lines)


def periods(language: str) -> str:
    """The limits by default, from the policy that sets them."""
    policy, unit = DEFAULT_POLICY, UnitPolicy()
    rows = [
        ("R20", "the whole approval, general matter", "一般事项报批", policy.general_days, "d"),
        ("R21", "the whole approval, special matter", "特殊事项报批", policy.special_days, "d"),
        ("R23", "an answer to the applicant, fast response", "快速反应答复", policy.fast_response_days, "d"),
        ("R28", "one-time notice (law)", "一次性告知（法定）", policy.statutory_notice_days, "d"),
        ("R37", "the unit's answer to the committee", "答复管委会督办", policy.instruction_days, "d"),
        ("R38", "delivery of a decision", "决定送达申请人", policy.delivery_days, "d"),
        (
            "R14",
            "a department's answer, inside the whole limit",
            "被征询部门答复（含在报批时限内）",
            policy.consultation_hours,
            "h",
        ),
        ("R24", "the clerk, when asked", "窗口补充说明", unit.clerk_hours, "h"),
        ("R24", "the reviewer", "后台审核", unit.reviewer_hours, "h"),
        ("R29", "head filing after the asking", "报备（自申请人提出起）", policy.late_filing_minutes, "m"),
    ]
    units = {"d": ("working days", "个工作日"), "h": ("working hours", "个工作小时"), "m": ("minutes", "分钟")}
    place = 0 if language == "en" else 1
    head = "| period | at most | rule |" if language == "en" else "| 期限 | 不超过 | 规则 |"
    lines = [head, "|---|---|---|"]
    for rule, english, chinese, number, unit_of in rows:
        lines.append(f"| {(english, chinese)[place]} | {number:g} {units[unit_of][place]} | {rule} |")
    return "\n".join(lines)


def parts(language: str) -> dict[str, str]:
    """Every generated part of a page, by its name."""
    walks = [visited(unit, RequestKind.APPLICATION) for unit in (world.BUREAU, world.SMALL)]
    return {"diagram": diagram(walks, language), "powers": powers(language), "periods": periods(language)}


def shown(page: str, name: str) -> str | None:
    """The generated part of that name, as a page has it."""
    found = re.search(rf"<!-- from the code: {name} -->\n(.*?)\n<!-- end -->", page, re.DOTALL)
    return found[1] if found else None


def main() -> None:
    for language, page in PAGES.items():
        text = page.read_text(encoding="utf-8")
        for name, part in parts(language).items():
            opening, end = f"<!-- from the code: {name} -->\n", "<!-- end -->"
            before, _, rest = text.partition(opening)
            text = f"{before}{opening}{part}\n{end}{rest.partition(end)[2]}"
        page.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
