"""The dashboards are made from code, and say Chinese first."""

import json
import re
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.grafana.__main__ import FOLDER, written
from deploy.grafana.boards import BOARDS
from deploy.grafana.boards.committee import COMMITTEE
from deploy.grafana.boards.unit import UNIT
from deploy.grafana.panels import Board
from deploy.grafana.words import WORDS, in_legend

from .test_alerting import known_names
from .test_image import COMPOSE


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_the_json_is_made_from_the_code(board: Board) -> None:
    """`python -m deploy.grafana` was run after the last change."""
    assert written(board) == (FOLDER / f"{board.uid}.json").read_text(encoding="utf-8")


def test_the_dashboards_are_of_the_grafana_that_shows_them() -> None:
    """The kit they are made with goes by Grafana's own version, behind its epoch."""
    image = yaml.safe_load(COMPOSE.read_text(encoding="utf-8"))["services"]["grafana"]["image"]

    assert f"grafana/grafana:{version('grafana-foundation-sdk').split('!')[1]}" == image


def test_there_is_no_other_dashboard() -> None:
    """What lies in the folder is shown: nothing by hand."""
    assert {f"{board.uid}.json" for board in BOARDS} == {path.name for path in Path(FOLDER).glob("*.json")}


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_titles_are_chinese_with_english(board: Board) -> None:
    """Who reads them reads Chinese; who keeps them may not."""
    told = json.loads(written(board))
    for title in [told["title"], *(panel["title"] for panel in told["panels"])]:
        assert re.match(r"^[^·]*[\u4e00-\u9fff][^·]* · [A-Za-z0-9 ,'-]+$", title), title


def test_panels_ask_for_metrics_that_exist() -> None:
    """Every name is a metric's or a recording rule's."""
    for board in BOARDS:
        for query in (query for panel in board.panels for query in panel.queries):
            asked = re.sub(r'"[^"]*"', "", query.expr)

            assert set(re.findall(r"[a-z_]*:?noveto[a-z_]*(?::[a-z0-9_]+)*", asked)) <= known_names(), query.expr


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_the_queries_of_a_panel_can_be_told_apart(board: Board) -> None:
    """Grafana's backend answers by `refId`: of two with the same, one would be shown."""
    told = [panel for panel in json.loads(written(board))["panels"] if panel["type"] != "row"]

    assert [len(panel.queries) for panel in board.panels] == [
        len({target["refId"] for target in panel["targets"]} - {""}) for panel in told
    ]


def test_a_committee_sees_its_own_centre() -> None:
    """No panel adds up the units of another; departments without windows belong to none, and answer to all."""
    departments = {"consultations awaited and unanswered"}
    for panel in COMMITTEE.panels:
        for query in panel.queries:
            assert panel.english in departments or "$centre" in query.expr, panel.title


def test_a_unit_sees_itself() -> None:
    """Every series of its dashboard is its own."""
    for query in (query for panel in UNIT.panels for query in panel.queries):
        assert query.expr.count("noveto_") == query.expr.count('{unit="$unit"'), query.expr


def test_legends_are_chinese() -> None:
    """A label's values are told in Chinese where they are words of the opinion, longer words not in part."""
    told = json.loads(written(UNIT))
    breaches = next(panel for panel in told["panels"] if panel["title"] == "红牌 · breaches")

    assert "审批决定人员 报批时限" == renamed("decision_maker approval", breaches)
    assert "被征询部门 征询答复时限" == renamed("department consultation", breaches)
    outcomes = next(panel for panel in told["panels"] if panel["title"] == "办理结果 · outcomes")
    assert ["予以受理", "容缺受理"] == [renamed(word, outcomes) for word in ("accepted", "accepted_with_supplements")]


def renamed(name: str, panel: dict[str, Any]) -> str:
    """As Grafana's transformation does it."""
    for step in panel["transformations"]:
        pattern = re.sub(r"\$(\d)", r"\\\1", step["options"]["renamePattern"])
        name = re.sub(step["options"]["regex"].strip("/"), pattern, name)
    return name


def test_every_word_that_a_legend_can_hold_is_known() -> None:
    """A new label in a legend is either told in Chinese, or is a name."""
    names = {
        "name",
        "within",
        "job",
        "version",
        "python",
        "party",
        "reason",
        "phase",
        "instance",
        "state",
    }
    for board in BOARDS:
        for query in (query for panel in board.panels for query in panel.queries):
            assert set(re.findall(r"{{(\w+)}}", query.legend)) <= names | set(WORDS), query.legend
    assert "审批决定人员" == in_legend("{{tier}}")["decision_maker"]
