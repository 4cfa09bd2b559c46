"""What the dashboards show of a day, drawn from their own queries: `python -m tests.acceptance.pictures docs/pictures`."""

import asyncio
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import matplotlib as mpl
from matplotlib import font_manager, pyplot
from matplotlib.ticker import MultipleLocator

from deploy.grafana.boards.committee import COMMITTEE
from deploy.grafana.boards.operator import OPERATOR
from deploy.grafana.boards.unit import UNIT
from deploy.grafana.panels import Board, Panel
from deploy.grafana.words import WORDS

from .observed_day import ObservedDay, observed_day

SPEED = 1500
SILENT = ("labour-system", "fire-system")
CENTRE = "fz-shimin"
UNIT_SHOWN = "11350100SAMPLE0003"
FONT = "Noto Sans CJK SC"
PACKAGE = "apt-get install --no-install-recommends fonts-noto-cjk"
SHOWN: dict[str, tuple[Board, tuple[str, ...]]] = {
    "committee": (
        COMMITTEE,
        (
            "breaches by unit",
            "breaches by tier and limit",
            "limits due within 1, 2, 4 hours",
            "open by stage",
            "outcomes",
            "overturned",
            "time at each tier, p90",
            "escalations by decision and inaction",
            "refusals by situation",
        ),
    ),
    "unit": (
        UNIT,
        (
            "breaches",
            "due within four hours, by limit",
            "answers in time",
            "open by stage",
            "oldest overdue",
            "escalations",
        ),
    ),
    "operator": (
        OPERATOR,
        (
            "rates",
            "lag",
            "lag in seconds",
            "command latency",
            "desk phases, p99",
            "transaction durations, p99",
            "batch sizes",
            "hand-overs in five minutes",
            "journal entries an hour",
        ),
    ),
}


def _duration(seconds: float, _: int) -> str:
    """As Grafana writes its unit `s`."""
    for length, name in ((3600, "h"), (60, "min"), (1, "s")):
        if seconds >= length:
            return f"{seconds / length:.3g} {name}"
    return f"{seconds * 1000:.3g} ms"


SHOWN_UNITS = {"s": _duration, "percentunit": lambda share, _: f"{share:.0%}"}
ROUND = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200)
"""Seconds between marks of durations: whole seconds, minutes or hours."""
MARKS = 5


def panels(board: Board, titles: tuple[str, ...]) -> list[Panel]:
    """The panels of a dashboard by their English titles."""
    by_title = {panel.english: panel for panel in board.panels}
    return [by_title[title] for title in titles]


async def draw(day: ObservedDay, began: float, folder: Path) -> None:
    """A picture a dashboard, some of its panels."""
    ended = time.time()
    for name, (board, titles) in SHOWN.items():
        size = (16, 3 * len(titles) // 3)
        figure, axes = pyplot.subplots(len(titles) // 3, 3, figsize=size, layout="constrained")
        for axis, panel in zip(axes.flat, panels(board, titles), strict=True):
            axis.set_title(f"{panel.chinese}\n{panel.english}")
            for query in panel.queries:
                expr = query.filled(centre=CENTRE, unit=UNIT_SHOWN, __range="12h")
                if panel.kind == "bars":
                    _bars(axis, await day.prometheus.query(expr), query.legend)
                else:
                    _lines(axis, await day.prometheus.query_range(expr, began, ended, 1), query.legend, began)
            along = axis.xaxis if panel.kind == "bars" else axis.yaxis
            if panel.kind != "bars":
                axis.legend(frameon=False, fontsize=7, loc="upper left", bbox_to_anchor=(1, 1))
                axis.set_xlabel("09:00 起小时数 · hours since 09:00")
                axis.set_ylim(bottom=0)
            if panel.unit in SHOWN_UNITS:
                along.set_major_formatter(SHOWN_UNITS[panel.unit])
            if panel.unit == "s":
                _mark_round(along)
        figure.suptitle(board.title)
        figure.savefig(folder / f"{name}.png", dpi=90)
        pyplot.close(figure)


def _called(legend: str, labels: dict[str, str]) -> str:
    for label, value in labels.items():
        legend = legend.replace("{{" + label + "}}", WORDS.get(label, {}).get(value, value))
    return legend or "值 value"


def _bars(axis: Any, found: list[dict[str, Any]], legend: str) -> None:
    rows = sorted((float(one["value"][1]), _called(legend, one["metric"])) for one in found)
    rows = [row for row in rows if row[0] == row[0] and row[0] > 0]
    axis.barh([name for _, name in rows], [value for value, _ in rows], color="#4c78a8")
    # A single bar is no thicker than one of six, and they begin at the top.
    shown = len(axis.get_yticks())
    axis.set_ylim(min(shown - 6, 0) - 0.5, shown - 0.5)
    axis.xaxis.get_major_locator().set_params(nbins=5)


def _mark_round(axis: Any) -> None:
    """Marks of a duration at whole seconds, minutes or hours; under some seconds they are well as they are."""
    longest = axis.get_view_interval()[1]
    step = next((step for step in ROUND if longest / step <= MARKS), ROUND[-1])
    if longest > MARKS:
        axis.set_major_locator(MultipleLocator(step))


def _lines(axis: Any, found: list[dict[str, Any]], legend: str, began: float) -> None:
    for one in found:
        at = [(float(moment) - began) * SPEED / 3600 for moment, _ in one["values"]]
        axis.plot(at, [float(value) for _, value in one["values"]], linewidth=1, label=_called(legend, one["metric"]))


async def make(folder: Path, data: Path) -> None:
    """Play a day and draw it."""
    async with observed_day(data, SPEED) as day:
        await asyncio.gather(*(day.start(name) for name in ("worker-1", "worker-2", "exporter-1")))
        await day.start("exporter-2")
        await day.watch()
        await day.play(120, SILENT)
        opening = day.clock.start
        await day.until(opening)
        began = time.time()
        await day.until(opening + timedelta(hours=3))
        await day.kill("worker-1")
        await day.kill("exporter-1")
        await asyncio.gather(day.start("worker-1"), day.start("exporter-1"))
        await day.until(opening + timedelta(hours=32, minutes=20))
        await day.counted()
        await asyncio.sleep(4)
        await draw(day, began, folder)


@click.command()
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
def main(folder: Path) -> None:
    """Draw the pictures of the docs into FOLDER."""
    if FONT not in font_manager.get_font_names():
        raise click.ClickException(f"the font {FONT} is not installed: {PACKAGE}")
    mpl.rcParams.update({"font.family": FONT, "font.size": 8, "axes.spines.top": False, "axes.spines.right": False})
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="noveto-pictures-") as data:
        Path(data).chmod(0o755)
        asyncio.run(make(folder, Path(data)))


if __name__ == "__main__":
    main()
