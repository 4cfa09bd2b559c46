"""Every recorded history means today what it meant when it was recorded."""

from pathlib import Path

import pytest

from topics.outbound import HeadFiling, TailFiling

from .recording import FILES, read, replay


@pytest.mark.rule("R33")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_recorded_case_is_decided_as_it_was(file: Path) -> None:
    """The same commands lead to the same facts, one head, and at its end one tail."""
    history = read(file)
    outcomes, case, messages = replay(history)

    assert [step["facts"] for step in history["steps"]] == outcomes
    assert case is not None
    assert (0 if case.headless else 1) == sum(isinstance(said.body, HeadFiling) for said in messages)
    assert (0 if case.headless or case.open else 1) == sum(isinstance(said.body, TailFiling) for said in messages)


def test_there_are_enough_of_them_to_go_by() -> None:
    """At least twenty-five, each with a title in Chinese and the rules it shows."""
    histories = [read(file) for file in FILES]

    assert 25 <= len(histories)
    assert all(any("\u4e00" <= sign <= "\u9fff" for sign in history["title"]) for history in histories)
    assert all(history["rules"] for history in histories)
