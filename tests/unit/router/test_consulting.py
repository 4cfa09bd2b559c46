"""Departments are asked in parallel; each answer or silence is recorded, and the clock runs on (R14)."""

from typing import Any

import pytest

from topics.events import CaseDecided, ConsultationClosed
from topics.outbound import (
    ConsultationRequested,
    DeadlineAlert,
    OpinionForwarded,
    RequestClosed,
    TailFiling,
    TierTask,
)
from topics.vocabulary import Card, ConsultationAnswer, LimitKind, StageName, Tier

from . import world
from .specification import Specification


def _asked(*departments: str) -> Specification:
    spec = Specification().escalated()
    return spec.given(world.by_decider(world.consult(*departments), spec.task("decide")))


def _request(spec: Specification, department: str) -> str:
    return next(
        asked.request.request_id for asked in spec.state.consultations if asked.request.question.org_code == department
    )


@pytest.mark.rule("R14")
def test_departments_are_asked_in_parallel() -> None:
    """Each on its own party's topic, each with its own limit, without the applicant's identity."""
    spec = _asked()

    assert spec.to(ConsultationRequested) == ["water", "fire"]
    assert spec.at() == StageName.IN_CONSULTATION
    assert sum(limit.kind is LimitKind.CONSULTATION for limit in spec.state.limits) == 2
    assert "applicant_ref" not in ConsultationRequested.model_fields


@pytest.mark.rule("R14")
def test_a_department_still_asked_when_the_case_ends_is_told_to_stop() -> None:
    """Who has answered knows of nothing open."""
    spec = _asked()
    spec.given(world.replied(_request(spec, world.WATER)))
    spec.when(world.by_decider(world.accept()))

    assert spec.to(RequestClosed) == ["fire"]
    assert [told.request_id for told in spec.sent(RequestClosed)] == [_request(spec, world.FIRE)]


@pytest.mark.rule("R14")
def test_consultation_does_not_stop_the_clock() -> None:
    """The whole limit is the same as before, and the departments' end before it."""
    before = Specification().escalated().state.limit(LimitKind.APPROVAL)
    spec = _asked()
    whole = spec.state.limit(LimitKind.APPROVAL)

    assert before is not None
    assert whole == before
    assert all(limit.due_at < before.due_at for limit in spec.state.limits if limit.kind is LimitKind.CONSULTATION)


@pytest.mark.rule("R14")
def test_answers_come_to_the_asker_as_they_arrive_and_then_in_sum() -> None:
    """The last one brings the case back with a task that shows them all."""
    spec = _asked()
    spec.when(world.replied(_request(spec, world.WATER)))

    assert [forwarded.awaited for forwarded in spec.sent(OpinionForwarded)] == [1]
    assert spec.at() == StageName.IN_CONSULTATION
    spec.when(world.replied(_request(spec, world.FIRE), world.FIRE, ConsultationAnswer.OBJECT))
    assert spec.at() == StageName.AT_DECISION_MAKER
    assert [task.kind for task in spec.sent(TierTask)] == ["opinions_in"]
    assert [task.opinions_conflict for task in spec.sent(TierTask)] == [True]
    assert "水利局：同意（不影响行洪。）；消防救援支队：不同意" in spec.sent(TierTask)[0].text


@pytest.mark.rule("R14")
def test_silence_is_recorded_as_silence() -> None:
    """Neither consent nor objection; the department has its cards, the asker the case."""
    spec = _asked(world.FIRE).clock(world.shanghai("2026-11-24T16:30"))

    assert [
        event.type
        for event in spec.events
        if event.type == "consultation.closed" or getattr(event, "limit", None) is LimitKind.CONSULTATION
    ] == ["card.given", "card.given", "consultation.closed"]
    assert [event.org_code for event in spec.events if isinstance(event, ConsultationClosed)] == [world.FIRE]
    assert spec.state.consultations[0].silent
    assert None is spec.state.consultations[0].answer
    assert "逾期未答复（不视为同意或反对）" in spec.sent(TierTask)[-1].text
    assert "fire" in spec.to(DeadlineAlert)
    spec.when(world.by_decider(world.accept()))
    assert [
        [unit.name for unit in event.silent_departments] for event in spec.events if isinstance(event, CaseDecided)
    ] == [["消防救援支队"]]


@pytest.mark.rule("R14")
def test_a_late_answer_is_still_heard() -> None:
    """The silence stays in the record of events, the answer in the case."""
    spec = _asked(world.FIRE)
    request = _request(spec, world.FIRE)
    spec.clock(world.shanghai("2026-11-24T16:30"))
    spec.when(world.replied(request, world.FIRE))

    assert spec.state.consultations[0].answer == ConsultationAnswer.AGREE
    assert not spec.state.consultations[0].silent
    assert spec.to(OpinionForwarded) == ["bureau"]


@pytest.mark.rule("R14")
@pytest.mark.rule("R29")
def test_an_answer_in_time_that_was_read_late_takes_the_cards_back() -> None:
    """The router was behind, not the department."""
    spec = _asked(world.FIRE)
    request = _request(spec, world.FIRE)
    received = spec.now
    spec.clock(world.shanghai("2026-11-24T16:30"))
    spec.when(world.replied(request, world.FIRE), received=received)

    assert spec.types == ["card.corrected", "card.corrected", "opinion.given"]
    assert {Card.YELLOW, Card.RED} == {
        card.card for card in spec.state.cards if card.limit is LimitKind.CONSULTATION and card.corrected
    }


@pytest.mark.rule("R14")
def test_an_answer_may_be_corrected_until_the_decision() -> None:
    """Afterwards it changes nothing any more."""
    spec = _asked(world.FIRE)
    request = _request(spec, world.FIRE)
    spec.given(world.replied(request, world.FIRE, ConsultationAnswer.OBJECT))
    spec.given(world.replied(request, world.FIRE))

    assert [forwarded.corrected for forwarded in spec.sent(OpinionForwarded)] == [True]
    spec.given(world.by_decider(world.accept()))
    assert spec.when(world.replied(request, world.FIRE)).code == "request_over"


@pytest.mark.rule("R14")
def test_a_department_hands_over_to_the_competent_one_once() -> None:
    """Which is asked in its turn; nobody passes it round."""
    spec = _asked(world.WATER)
    request = _request(spec, world.WATER)
    over: dict[str, Any] = {"answer": ConsultationAnswer.NOT_COMPETENT, "hand_over_to": world.FIRE}
    spec.given(world.replied(request, **over))

    assert spec.to(ConsultationRequested) == ["fire"]
    assert spec.at() == StageName.IN_CONSULTATION
    passed: dict[str, Any] = {"answer": ConsultationAnswer.NOT_COMPETENT, "hand_over_to": world.BUREAU}
    assert spec.when(world.replied(_request(spec, world.FIRE), world.FIRE, **passed)).code == "handed_over_once"
    assert spec.when(world.replied(request, **over)).code == "handed_over_once"
    spec.given(world.replied(request, answer=ConsultationAnswer.AGREE))
    assert spec.when(world.replied(request, **over)).code == "handed_over_once"


@pytest.mark.rule("R14")
def test_nobody_is_asked_twice_and_only_who_can_answer() -> None:
    """A department that was asked may correct its answer; one without a party cannot hear."""
    spec = _asked(world.WATER)

    assert spec.when(world.by_decider(world.consult(world.WATER), spec.task("decide"))).code == "already_asked"
    assert spec.when(world.by_decider(world.consult(world.SMALL), spec.task("decide"))).code == "unknown_department"
    over: dict[str, Any] = {"answer": ConsultationAnswer.NOT_COMPETENT, "hand_over_to": world.SMALL}
    assert spec.when(world.replied(_request(spec, world.WATER), **over)).code == "unknown_department"
    again: dict[str, Any] = {"answer": ConsultationAnswer.NOT_COMPETENT, "hand_over_to": world.WATER}
    assert spec.when(world.replied(_request(spec, world.WATER), **again)).code == "already_asked"


@pytest.mark.rule("R14")
def test_only_the_department_asked_answers() -> None:
    """Another's word on its request is unknown."""
    spec = _asked(world.WATER)

    assert spec.when(world.replied(_request(spec, world.WATER), world.FIRE)).code == "unknown_request"


@pytest.mark.rule("R14")
def test_the_decision_need_not_wait_for_everybody() -> None:
    """The tail names who had not answered."""
    spec = _asked()
    spec.when(world.by_decider(world.refuse(), spec.task("decide")))

    assert [opinion.unit for opinion in spec.sent(TailFiling)[0].opinions] == ["水利局", "消防救援支队"]
    assert "水利局：尚未答复；消防救援支队：尚未答复。" in spec.sent(TailFiling)[0].text


@pytest.mark.rule("R14")
@pytest.mark.rule("R24")
def test_a_reviewer_who_asks_may_still_lose_the_case_upward() -> None:
    """Asking others is not acting; the answers go to whoever holds the case then."""
    spec = Specification().opened()
    spec.given(world.by_reviewer(world.consult(world.FIRE), spec.task("review")))
    spec.clock(world.shanghai("2026-11-24T14:31"))

    assert spec.at() == StageName.AT_DECISION_MAKER
    spec.when(world.replied(_request(spec, world.FIRE), world.FIRE))
    assert [forwarded.tier for forwarded in spec.sent(OpinionForwarded)] == [Tier.DECISION_MAKER]


@pytest.mark.rule("R07")
def test_a_reviewer_who_asked_departments_has_reviewed() -> None:
    """And does not decide."""
    spec = Specification().opened()
    spec.given(world.by_reviewer(world.consult(world.FIRE), spec.task("review")))
    spec.given(
        world.by_reviewer(
            world.escalate(), spec.task("review"), actor=world.DEPUTY.model_copy(update={"acting_for": None})
        )
    )
    spec.when(world.by_decider(world.refuse(), spec.task("decide"), actor=world.REVIEWER))

    assert spec.code == "same_person"
