"""The committee follows, urges, questions and convenes; the unit must answer, and the committee never decides (R37)."""

import pytest

from topics.events import InstructionAnswered
from topics.inbound import INBOUND
from topics.outbound import DeadlineAlert, ProgressFiling, TierTask
from topics.registry import FAMILIES, Family
from topics.vocabulary import Card, InstructionKind, LimitKind, StageName, Tier

from . import world
from .specification import Specification


@pytest.mark.rule("R37")
@pytest.mark.parametrize("kind", list(InstructionKind))
def test_whoever_holds_the_case_owes_an_answer(kind: InstructionKind) -> None:
    """By a limit; the case stays where it is."""
    spec = Specification().opened().when(world.instructed(kind))

    assert [(task.tier, task.kind) for task in spec.sent(TierTask)] == [(Tier.REVIEWER, "answer_instruction")]
    assert [world.shanghai("2026-11-25T17:00")] == [task.due_at for task in spec.sent(TierTask)]
    assert spec.at() == StageName.AT_REVIEWER


@pytest.mark.rule("R37")
def test_the_answer_is_filed() -> None:
    """And ends the limit."""
    spec = Specification().opened().given(world.instructed())
    instruction = spec.state.instructions[0].instruction_id
    spec.when(world.by_reviewer(world.answer_instruction(instruction)))

    assert spec.to(ProgressFiling) == ["hall"]
    assert [filing.what for filing in spec.sent(ProgressFiling)] == ["instruction_answered"]
    assert [limit for limit in spec.state.limits if limit.kind is LimitKind.INSTRUCTION] == []
    assert [task for task in spec.state.tasks if task.kind == "answer_instruction"] == []


@pytest.mark.rule("R37")
def test_an_answer_is_owed_also_after_the_end() -> None:
    """The committee may ask about a case that was decided; the decision-maker answers."""
    spec = Specification().refused().given(world.instructed())
    instruction = spec.state.instructions[0].instruction_id

    assert [task.tier for task in spec.sent(TierTask)] == [Tier.DECISION_MAKER]
    assert None is spec.when(world.by_decider(world.answer_instruction(instruction))).code


@pytest.mark.rule("R37")
def test_an_answer_that_does_not_come_is_seen() -> None:
    """A red card at the limit, once."""
    spec = Specification().opened().given(world.instructed())
    spec.clock(world.shanghai("2026-11-25T17:00")).clock(world.shanghai("2026-11-26T17:00"))

    assert sum(card.limit is LimitKind.INSTRUCTION and card.card is Card.RED for card in spec.state.cards) == 1


@pytest.mark.rule("R37")
@pytest.mark.rule("R29")
def test_an_answer_in_time_that_was_read_late_takes_the_card_back() -> None:
    """It had been received before the limit."""
    spec = Specification().opened().given(world.instructed())
    instruction, received = spec.state.instructions[0].instruction_id, spec.now
    spec.clock(world.shanghai("2026-11-25T17:00"))
    spec.when(world.by_decider(world.answer_instruction(instruction)), received=received)

    assert spec.types == ["card.corrected", "instruction.answered"]
    assert [alert.kind for alert in spec.sent(DeadlineAlert)] == ["card_corrected"] * 2


@pytest.mark.rule("R37")
def test_an_instruction_is_answered_once_and_only_if_given() -> None:
    """Any tier may answer; the second answer changes nothing."""
    spec = Specification().opened().given(world.instructed())
    instruction = spec.state.instructions[0].instruction_id

    assert spec.when(world.by_clerk(world.answer_instruction("ORG1-0001.9.instruction"))).code == "unknown_instruction"
    spec.given(world.by_clerk(world.answer_instruction(instruction)))
    assert [event.tier for event in spec.events if isinstance(event, InstructionAnswered)] == [Tier.CLERK]
    assert spec.when(world.by_reviewer(world.answer_instruction(instruction))).code == "instruction_answered"


@pytest.mark.rule("R37")
def test_the_committee_has_no_message_that_decides() -> None:
    """What it may write is an instruction, or a report of a refusal that was never filed."""
    assert {"committee.instructed", "refusal.reported"} == {
        name for name, model in INBOUND.items() if model in FAMILIES[Family.COMMITTEE_INSTRUCTIONS].models
    }
