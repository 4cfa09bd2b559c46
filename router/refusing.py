"""What a final refusal must have behind it and carry: the guard against a veto (R02, R03, R04, R10, R11)."""

from router.case import Case
from router.needs import reply_lacking
from router.rejections import reject
from topics.events import Rejection
from topics.inbound import Refuse
from topics.parts import Actor, InPerson
from topics.vocabulary import RequestKind


def refusal_problem(case: Case, decision: Refuse) -> Rejection | None:
    """What keeps a final refusal from being one (R02, R03, R04, R10, R11); the same for the government's (R15)."""
    if case.review is None and case.reviewer_skipped is None:
        return reject(
            "reviewer_opinion_missing",
            "a refusal needs a reviewer's opinion: return the case to the reviewer (R02, R24)",
            where="decision",
        )
    if case.situation is None:
        return reject("situation_missing", "the clerk has not said which situation this is", where="decision")
    if not decision.legal_basis:
        return reject("legal_basis_missing", "a refusal states its legal basis (R03)", where="decision.legalBasis")
    if decision.explanation is None:
        return reject("explanation_missing", "a refusal states its reasons (R03)", where="decision.explanation")
    if decision.in_person is None or not answered_in_person(decision.in_person):
        return in_person_missing()
    if case.request_kind is RequestKind.APPLICATION and decision.document_number is None:
        return reject(
            "document_number_missing",
            "不予受理 is a written notice with a number (行政许可法 §32)",
            where="decision.documentNumber",
        )
    missing = reply_lacking(case.situation, decision.guidance or case.guidance)
    if missing:
        return reject(
            "guidance_missing", f"the reply to {case.situation} needs {missing[0]}", where=f"decision.{missing[0]}"
        )
    return None


def answered_in_person(in_person: InPerson) -> bool:
    """Whether it names who answers, where somebody is to (R04)."""
    return not in_person.required or in_person.by is not None


def in_person_missing() -> Rejection:
    """The rejection of a decision that leaves open who answers the applicant (R04)."""
    return reject(
        "in_person_missing",
        "say whether the person responsible answers in person, and who (R04)",
        where="decision.inPerson",
    )


def same_person(case: Case, actor: Actor, act: str, *, reviewed: bool) -> Rejection | None:
    """R07: whoever proposed cannot review, whoever proposed or reviewed cannot decide; a deputy stands for both persons."""
    for person in (actor.person_id, actor.acting_for):
        if person in case.proposers or (reviewed and person in case.reviewers):
            return reject(
                "same_person",
                f"{person} proposed or reviewed this refusal and cannot also {act} it (R07)",
                where="actor.personId",
            )
    return None
