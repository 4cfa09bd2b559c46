"""`python -m deploy.grafana`: write every dashboard's JSON beside this file."""

from pathlib import Path
from string import ascii_uppercase

from grafana_foundation_sdk.builders import bargauge, dashboard, prometheus, stat, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import BarGaugeDisplayMode, VizOrientation
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    DataTransformerConfig,
    Threshold,
    ThresholdsMode,
    VariableRefresh,
)

from deploy.grafana.boards import BOARDS
from deploy.grafana.panels import Board, Panel, Variable
from deploy.grafana.words import in_legend

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = DataSourceRef(type_val="prometheus", uid="prometheus")
WIDTH = {"stat": 4, "timeseries": 8, "bars": 8}
HEIGHT = {"stat": 4, "timeseries": 8, "bars": 8}

Builder = stat.Panel | timeseries.Panel | bargauge.Panel


def written(board: Board) -> str:
    """A dashboard as Grafana reads it."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .tags(["noveto"])
        .readonly()
        .refresh("30s")
        .timezone("Asia/Shanghai")
        .time("now-12h", "now")
    )
    for variable in board.variables:
        made = made.with_variable(_variable(variable))
    for row in board.rows:
        made = made.with_row(dashboard.Row(row.title))
        for panel in row.panels:
            made = made.with_panel(_panel(panel))
    return JSONEncoder(sort_keys=True, indent=1, ensure_ascii=False).encode(made.build()) + "\n"


def _variable(variable: Variable) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(variable.name)
        .label(variable.label)
        .datasource(SOURCE)
        .query(variable.query)
        .regex(variable.regex)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
    )


def _panel(panel: Panel) -> Builder:
    made: Builder
    match panel.kind:
        case "stat":
            made = stat.Panel()
        case "timeseries":
            made = timeseries.Panel()
        case "bars":
            made = (
                bargauge.Panel().orientation(VizOrientation.HORIZONTAL).display_mode(BarGaugeDisplayMode.BASIC).min(0)
            )
    made = (
        made.title(panel.title)
        .datasource(SOURCE)
        .unit(panel.unit)
        .span(WIDTH[panel.kind])
        .height(HEIGHT[panel.kind])
        .thresholds(_thresholds(panel))
    )
    for at, query in enumerate(panel.queries):
        target = prometheus.Dataquery().ref_id(ascii_uppercase[at]).expr(query.expr).legend_format(query.legend)
        made = made.with_target(target.range() if panel.kind == "timeseries" else target.instant())
    words = {word: chinese for query in panel.queries for word, chinese in in_legend(query.legend).items()}
    return made.transformations([_renamed(word, chinese) for word, chinese in words.items()])


def _renamed(word: str, chinese: str) -> DataTransformerConfig:
    """A label's value in a legend, where it stands as a word of its own."""
    options = {"regex": f"/(^| ){word}($| )/", "renamePattern": f"$1{chinese}$2"}
    return DataTransformerConfig(id_val="renameByRegex", options=options)


def _thresholds(panel: Panel) -> dashboard.ThresholdsConfig:
    steps = [Threshold(value=None, color="green")]
    if panel.red_from is not None:
        steps.append(Threshold(value=panel.red_from, color="red"))
    return dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps)


def main() -> None:
    """Write them all."""
    for board in BOARDS:
        (FOLDER / f"{board.uid}.json").write_text(written(board), encoding="utf-8")


if __name__ == "__main__":
    main()
