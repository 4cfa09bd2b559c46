"""The dashboards are made from code, and say Chinese first."""

import json
import re
from pathlib import Path

import pytest

from deploy.grafana.__main__ import FOLDER, written
from deploy.grafana.panels import BOARDS, Board
from metrics.table import EVERY

from .test_alerting import SUFFIXES, rules


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_the_json_is_made_from_the_code(board: Board) -> None:
    """`python -m deploy.grafana` was run after the last change."""
    assert written(board) == (FOLDER / f"{board.uid}.json").read_text(encoding="utf-8")


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
    known = {f"{metric.name}{suffix}" for _, table in EVERY for metric in table for suffix in SUFFIXES}
    known |= {rule["record"] for rule in rules() if "record" in rule}
    for board in BOARDS:
        for _, panels in board.rows:
            for query in (query for panel in panels for query in panel.queries):
                asked = re.sub(r'"[^"]*"', "", query.expr)

                assert set(re.findall(r"[a-z_]*:?noveto[a-z_]*(?::[a-z0-9_]+)*", asked)) <= known, query.expr
