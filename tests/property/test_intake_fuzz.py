"""Whatever stands on an inbound topic, intake makes one record of it and loses no byte."""

from collections import Counter
from random import Random

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from consumers.sealing import KeyRing

from ..fuzz import Message, account_for, inbound_topics, messages, one_message, reference

KEYS = KeyRing((("k1", bytes(32)),))
HEADERS = st.lists(
    st.tuples(
        st.sampled_from(["ce_id", "ce_type", "noveto-origin", "x"]) | st.text(max_size=5), st.binary(max_size=60)
    ),
    max_size=6,
)


@given(
    topic=st.sampled_from(inbound_topics()),
    key=st.none() | st.binary(max_size=200),
    value=st.none() | st.binary(max_size=500),
    headers=HEADERS,
)
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_raw_bytes_are_accounted_for(
    topic: str, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes]]
) -> None:
    """Anything in key, value and headers: a record with a verdict, and the original found again byte for byte."""
    account_for(Message(topic, key, value, headers), 7, KEYS, reference())


@given(random=st.randoms(use_true_random=False), number=st.integers(0, 10**9))
@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
def test_spoiled_messages_are_accounted_for(random: Random, number: int) -> None:
    """Proper messages of every type with anything in them changed."""
    account_for(one_message(random, number), number, KEYS, reference())


def test_five_thousand_messages_meet_every_verdict() -> None:
    """The fuzzer is worth something: it is accepted now and then, and refused for every reason intake has."""
    verdicts = Counter(
        account_for(message, offset, KEYS, reference()) for offset, message in enumerate(messages(Random(5), 5000))
    )

    assert {
        "accepted",
        "bad_field",
        "empty_value",
        "key_not_case",
        "missing_attribute",
        "not_an_object",
        "not_json",
        "party_may_not",
        "unknown_type",
        "unknown_unit",
    } == set(verdicts)
    assert 5000 == verdicts.total()
    assert verdicts["accepted"] > 250
