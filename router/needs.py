"""What a proposal or a reply must say in each situation (R10, R11, R13)."""

from topics.parts import Guidance, LegalBases
from topics.vocabulary import Situation

# The names by which a task tells the clerk what is lacking, with their Chinese.
LACKING = {
    "situation": "否决情形",
    "groundCode": "否决理由代码",
    "reason": "否决理由",
    "legalBasis": "窗口认为的法律依据",
    "guidance.competentUnit": "告知谁办：承办单位、办理方式、办理路径和政策解释",
    "guidance.missing": "一次性告知：全部需补正内容及改进方法",
    "guidance.guide": "办事指南、申请样表或合格标准",
}


def lacking(
    situation: Situation | None,
    ground_code: str | None,
    reason: str | None,
    legal_basis: LegalBases,
    guidance: Guidance | None,
) -> tuple[str, ...]:
    """The fields a proposal still lacks; a grey area has no provision to name, which is what makes it one."""
    missing = []
    if situation is None:
        missing.append("situation")
    if ground_code is None:
        missing.append("groundCode")
    if reason is None:
        missing.append("reason")
    if not legal_basis and situation is not Situation.GREY_AREA:
        missing.append("legalBasis")
    missing += guidance_lacking(situation, guidance)
    return tuple(missing)


def guidance_lacking(situation: Situation | None, guidance: Guidance | None) -> list[str]:
    """What the guidance of a situation lacks: who handles it (R10), or everything missing at once (R11)."""
    if situation is Situation.OUT_OF_SCOPE and (guidance is None or guidance.competent_unit is None):
        return ["guidance.competentUnit"]
    if situation is Situation.CONDITIONS_NOT_MET and (guidance is None or not guidance.missing):
        return ["guidance.missing"]
    return []


def reply_lacking(situation: Situation | None, guidance: Guidance | None) -> list[str]:
    """What guidance lacks to be given to the applicant: as a proposal's, and something to go by with what is missing (R11)."""
    missing = guidance_lacking(situation, guidance)
    if missing:
        return missing
    if situation is not Situation.CONDITIONS_NOT_MET or guidance is None:
        return []
    return [] if guidance.guide or guidance.sample or guidance.standard else ["guidance.guide"]
