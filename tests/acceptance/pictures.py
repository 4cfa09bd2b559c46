"""What the dashboards show of a day, drawn from their own queries: `python -m tests.acceptance.pictures docs/pictures`."""

import asyncio
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import click
import matplotlib as mpl
from matplotlib import pyplot

from deploy.grafana.panels import COMMITTEE, OPERATOR, Board, Panel

from .observed_day import ObservedDay, observed_day

SPEED = 1500
SILENT = ("labour-system", "fire-system")
CENTRE = "fz-shimin"
SHOWN: dict[str, tuple[Board, tuple[str, ...]]] = {
    "committee": (
        COMMITTEE,
        (
            "heads and tails",
            "open by stage",
            "limits due within 1, 2, 4 hours",
            "breaches by tier and limit",
            "outcomes",
            "time at each tier, p90",
        ),
    ),
    "operator": (
        OPERATOR,
        ("rates", "lag", "command latency", "journal entries by kind", "hand-overs", "transaction durations, p99"),
    ),
}


def panels(board: Board, titles: tuple[str, ...]) -> list[Panel]:
    """The panels of a dashboard by their English titles."""
    by_title = {panel.english: panel for _, row in board.rows for panel in row}
    return [by_title[title] for title in titles]


async def draw(day: ObservedDay, began: float, folder: Path) -> None:
    """A picture a dashboard, six of its panels."""
    ended = time.time()
    mpl.rcParams.update(
        {"font.size": 7, "axes.spines.top": False, "axes.spines.right": False, "svg.hashsalt": "noveto"}
    )
    for name, (board, titles) in SHOWN.items():
        figure, axes = pyplot.subplots(2, 3, figsize=(11, 5.2))
        for axis, panel in zip(axes.flat, panels(board, titles), strict=True):
            axis.set_title(panel.english)
            for query in panel.queries:
                expr = query.expr.replace("$centre", CENTRE)
                if panel.kind == "bars":
                    _bars(axis, await day.query(expr), query.legend)
                else:
                    _lines(axis, await day.query_range(expr, began, ended, 1), query.legend, began)
            if panel.kind != "bars":
                axis.legend(frameon=False, fontsize=6)
                axis.set_xlabel("hours since 09:00")
        figure.suptitle(
            f"The {board.english} dashboard's queries over a demo day (virtual time, two parties silent, two processes killed)"
        )
        figure.tight_layout()
        figure.savefig(folder / f"{name}.png", dpi=90)
        pyplot.close(figure)


def _called(legend: str, labels: dict[str, str]) -> str:
    for label, value in labels.items():
        legend = legend.replace("{{" + label + "}}", value)
    # The pictures' font has no Chinese.
    return "".join(letter for letter in legend if letter.isascii()).strip() or "value"


def _bars(axis: Any, found: list[dict[str, Any]], legend: str) -> None:
    rows = sorted((float(one["value"][1]), _called(legend, one["metric"])) for one in found)
    rows = [row for row in rows if row[0] == row[0] and row[0] > 0]
    axis.barh([name for _, name in rows], [value for value, _ in rows], color="#4c78a8")


def _lines(axis: Any, found: list[dict[str, Any]], legend: str, began: float) -> None:
    for one in found:
        at = [(float(moment) - began) * SPEED / 3600 for moment, _ in one["values"]]
        axis.plot(at, [float(value) for _, value in one["values"]], linewidth=1, label=_called(legend, one["metric"]))


async def make(folder: Path, data: Path) -> None:
    """Play a day and draw it."""
    async with observed_day(data, SPEED) as day:
        await asyncio.gather(*(day.start(name) for name in ("worker-1", "worker-2", "exporter-1", "exporter-2")))
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
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="noveto-pictures-") as data:
        Path(data).chmod(0o755)
        asyncio.run(make(folder, Path(data)))


if __name__ == "__main__":
    main()
