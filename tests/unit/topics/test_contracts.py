"""The contracts: what may stand in a message, and that every word has its Chinese."""

import json
from enum import StrEnum

import pytest
from pydantic import TypeAdapter, ValidationError

from topics import vocabulary
from topics.events import Event, Fact
from topics.inbound import INBOUND, ConsultationReplied
from topics.outbound import OUTBOUND
from topics.parts import Precedents
from topics.registry import FAMILIES, INBOUND_FAMILIES, TopicNames, topics_of
from topics.vocabulary import CHINESE, Outcome, RequestKind, outcome_in_chinese

from ..router import world

WORDS = [
    word
    for kind in vars(vocabulary).values()
    if isinstance(kind, type) and issubclass(kind, StrEnum) and kind is not StrEnum
    for word in kind
]


@pytest.mark.parametrize("word", WORDS, ids=lambda word: f"{type(word).__name__}.{word.name}")
def test_every_word_has_its_chinese(word: StrEnum) -> None:
    """An official reads it."""
    assert any("\u4e00" <= character <= "\u9fff" for character in CHINESE[word])


@pytest.mark.rule("R03")
def test_outcomes_are_named_by_what_was_asked() -> None:
    """受理 for applications, 办理 and 支持 for demands."""
    application = {outcome_in_chinese(outcome, RequestKind.APPLICATION) for outcome in Outcome}
    demand = {outcome_in_chinese(outcome, RequestKind.DEMAND) for outcome in Outcome}

    assert {"予以受理", "容缺受理", "不予受理"} <= application
    assert {"予以办理", "容缺办理", "不予支持"} <= demand
    assert not any("受理" in name for name in demand)


def test_a_field_that_nobody_knows_is_an_error() -> None:
    """A misspelt one is never lost."""
    said = json.loads(world.proposed().wire())

    with pytest.raises(ValidationError, match="reasn"):
        INBOUND["refusal.proposed"].model_validate({**said, "reasn": "x"})


def test_wire_names_are_the_national_ones() -> None:
    """`orgCode`, `taskCode`, `taskName`; nothing that is absent is written."""
    said = json.loads(world.proposed().wire())

    assert {"taskCode", "taskName"} == set(said["matter"])
    assert "orgCode" in said
    assert "projectNo" not in said


def test_what_postgres_cannot_store_is_refused_at_the_door() -> None:
    """U+0000 in any text."""
    with pytest.raises(ValidationError, match=r"U\+0000"):
        world.proposed(reason="a\x00b")


def test_a_time_names_its_zone() -> None:
    """And goes out in UTC."""
    with pytest.raises(ValidationError):
        world.proposed(asked_at="2026-11-24T10:00:00")
    assert json.loads(world.proposed().wire())["askedAt"] == "2026-11-24T02:00:00Z"


def test_only_a_department_that_is_not_competent_hands_over() -> None:
    """An opinion and a hand-over exclude each other."""
    with pytest.raises(ValidationError, match="handOverTo"):
        world.replied("ORG1-0001.2.ask1", hand_over_to=world.FIRE)
    assert isinstance(world.replied("ORG1-0001.2.ask1"), ConsultationReplied)


@pytest.mark.rule("R36")
def test_a_settled_line_needs_five_cases_of_which_four_are_the_same() -> None:
    """What applicants ended themselves is not counted."""
    assert Precedents(counts={Outcome.REFUSED: 4, Outcome.ACCEPTED: 1}).settled(5, 0.8) == Outcome.REFUSED
    assert None is Precedents(counts={Outcome.REFUSED: 4}).settled(5, 0.8)
    assert None is Precedents(counts={Outcome.REFUSED: 3, Outcome.ACCEPTED: 2}).settled(5, 0.8)
    assert None is Precedents(counts={Outcome.REFUSED: 4, Outcome.WITHDRAWN: 9}).settled(5, 0.8)
    assert None is Precedents().settled(5, 0.8)


def test_every_message_has_a_topic() -> None:
    """What parties say, on inbound families; what the router says, on the others."""
    inbound = {model for family in INBOUND_FAMILIES for model in FAMILIES[family].models}
    outbound = {model for family, row in FAMILIES.items() if family not in INBOUND_FAMILIES for model in row.models}

    assert set(INBOUND.values()) == inbound
    assert set(OUTBOUND.values()) == outbound


def test_a_topics_name_says_whose_it_is() -> None:
    """And can be read back."""
    names = TopicNames("t.")
    for topic, row in topics_of(world.DIRECTORY, names):
        parsed = names.parse(topic)

        assert parsed is not None
        assert row.family == parsed[0]
    assert None is names.parse("t.window.refusals.a.b")
    assert None is names.parse("other")


def test_every_fact_is_told_apart_by_its_type() -> None:
    """A reader of the journal needs nothing else."""
    types = TypeAdapter(Event).json_schema()["discriminator"]["mapping"]

    assert {vars(fact)["type"] for fact in Fact.__subclasses__()} == set(types)
