"""The contracts only grow: what a sender or a reader relies on is never taken away."""

import copy
import json
from pathlib import Path
from typing import Any

import pytest

import topics
from topics.asyncapi import breaks, document

PUBLISHED = Path(topics.__file__).parent.parent / "docs" / "asyncapi.json"


@pytest.fixture
def published() -> dict[str, Any]:
    """The document that parties have."""
    found: dict[str, Any] = json.loads(PUBLISHED.read_text())
    return found


def test_the_published_document_is_what_the_models_say(published: dict[str, Any]) -> None:
    """`noveto topics schema > docs/asyncapi.json` was run after the last change of a model."""
    made = document(published["info"]["version"])

    assert published == json.loads(json.dumps(made))


def test_nothing_that_senders_rely_on_is_taken_away(published: dict[str, Any]) -> None:
    """A change that breaks old senders fails the build."""
    found = breaks(published, json.loads(json.dumps(document("next"))))

    assert [] == found


@pytest.mark.parametrize(
    ("change", "finding"),
    [
        (lambda d: d["components"]["messages"].pop("refusal.proposed"), "the type refusal.proposed is gone"),
        (lambda d: d["components"]["schemas"]["HeadFiling"]["properties"].pop("caseId"), "HeadFiling.caseId is gone"),
        (
            lambda d: d["components"]["schemas"]["Situation"]["enum"].remove("grey_area"),
            "Situation: the value grey_area is gone",
        ),
        (
            lambda d: d["components"]["schemas"]["RefusalProposed"]["required"].append("reason"),
            "RefusalProposed.reason is newly required",
        ),
    ],
)
def test_a_break_is_seen(published: dict[str, Any], change: Any, finding: str) -> None:
    """Each kind of break is found, so that the check above can fail."""
    broken = copy.deepcopy(published)
    change(broken)
    found = breaks(published, broken)

    assert [finding] == found
