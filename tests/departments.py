"""What departments, government and committee say, and what is said to them: beside `tests.parties`."""

from pathlib import Path
from typing import Any

from .parties import DECIDER, REVIEWER, Data, decided

DIRECTORY = Path(__file__).with_name("departments.yaml")
OFFICER = {"personId": "X-1", "name": "周岚", "post": "科室负责人"}


def consult(case_id: str, task_id: str, **questions: str) -> Data:
    """The reviewer asks departments, by code, a question each."""
    asked = [{"orgCode": org_code, "question": question} for org_code, question in questions.items()]
    return decided(case_id, task_id, "reviewer", REVIEWER, {"action": "consult", "questions": asked})


def opinion(request: Data, org_code: str, answer: str, reason: str, **more: Any) -> Data:
    """A department's answer to a request."""
    return {
        "caseId": request["caseId"],
        "requestId": request["requestId"],
        "orgCode": org_code,
        "actor": OFFICER,
        "answer": answer,
        "reason": reason,
        **more,
    }


def refer(case_id: str, task_id: str) -> Data:
    """The decision-maker refers the case to the government."""
    decision = {"action": "refer", "question": "两部门意见不一致，如何办理？", "proposal": "建议予以受理。"}
    return decided(case_id, task_id, "decision_maker", DECIDER, decision)


def ruling(referral: Data, number: str, ruling: Data) -> Data:
    """The government's decision, with the number of its minutes."""
    return {
        "caseId": referral["caseId"],
        "referralId": referral["referralId"],
        "actor": {"personId": "G-1", "name": "许衡", "post": "市政府办公室"},
        "minutesNumber": number,
        "ruling": ruling,
    }


def instruct(case_id: str, kind: str, text: str) -> Data:
    """The committee urges, supervises or coordinates."""
    return {
        "caseId": case_id,
        "kind": kind,
        "actor": {"personId": "K-1", "name": "方圆", "post": "督查科"},
        "text": text,
    }
