"""What a person sees: a live view on a terminal, a few plain lines elsewhere."""

import time
from types import TracebackType
from zoneinfo import ZoneInfo

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.panel import Panel
from rich.table import Table

from deploy.demo.filings import Filings, Verdict
from deploy.demo.progress import Progress
from topics.vocabulary import CHINESE, Outcome, StageName

SHANGHAI = ZoneInfo("Asia/Shanghai")
PLAIN_SECONDS = 5.0
STAGES = (StageName.AT_CLERK, StageName.AT_REVIEWER, StageName.AT_DECISION_MAKER, StageName.CLOSED)
RARE_STAGES = (StageName.IN_CONSULTATION, StageName.AT_GOVERNMENT)


class View:
    """Shows the play while it runs; `refresh` may be called as often as one likes."""

    def __init__(self, console: Console, progress: Progress, filings: Filings, total: int) -> None:
        self._console = console
        self._progress = progress
        self._filings = filings
        self._total = total
        self._last_plain = time.monotonic()
        self._live = (
            Live(console=console, get_renderable=self._render, refresh_per_second=5) if console.is_terminal else None
        )

    def __enter__(self) -> "View":
        if self._live:
            self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._live:
            self._live.stop()

    def refresh(self, *, at_once: bool = False) -> None:
        """Say where things stand, where there is no live view, every few seconds."""
        if self._live is None and (at_once or time.monotonic() - self._last_plain >= PLAIN_SECONDS):
            self._last_plain = time.monotonic()
            self._console.print(self._line(), soft_wrap=True, highlight=False)

    def _line(self) -> str:
        stages = self._progress.stages()
        where = ", ".join(f"{CHINESE[stage]} {stages[stage]}" for stage in self._stages())
        filed = f"head filings {self._filings.heads}, tail filings {self._filings.tails}"
        cards = "".join(f", {CHINESE[card]} {count}" for card, count in sorted(self._progress.cards.items()))
        return f"{where} of {self._total}; {filed}{cards}"

    def _stages(self) -> list[StageName]:
        stages = self._progress.stages()
        rare = [stage for stage in RARE_STAGES if stages[stage]]
        return [*STAGES[:-1], *rare, STAGES[-1]]

    def _render(self) -> RenderableType:
        counts = Table.grid(padding=(0, 3))
        stages = self._progress.stages()
        shown = [(CHINESE[stage], str(stages[stage])) for stage in self._stages()]
        shown += [("“头”报备", str(self._filings.heads)), ("“尾”报备", str(self._filings.tails))]
        shown += [(CHINESE[card], str(count)) for card, count in sorted(self._progress.cards.items())]
        counts.add_row(*(name for name, _ in shown), style="dim")
        counts.add_row(*(number for _, number in shown), style="bold")
        moves = Table.grid(padding=(0, 2))
        moves.add_column(no_wrap=True, style="dim")
        moves.add_column(no_wrap=True, max_width=24)
        moves.add_column(no_wrap=True, max_width=32)
        moves.add_column(no_wrap=True, overflow="ellipsis")
        for move in self._progress.moves:
            moves.add_row(f"{move.at.astimezone(SHANGHAI):%H:%M:%S}", move.unit, move.matter, move.what)
        title = f"窗口无否决权 · {self._progress.stages()[StageName.CLOSED]}/{self._total}"
        return Panel(Group(counts, "", moves), title=title, border_style="cyan")


def outcomes_table(filings: Filings) -> Table:
    """What became of the cases."""
    table = Table(title="What became of them", title_justify="left")
    table.add_column("outcome")
    table.add_column("结果")
    table.add_column("cases", justify="right")
    told = list(filings.outcomes.values())
    for outcome in Outcome:
        if outcome in told:
            chinese = "不予受理 / 不予支持" if outcome is Outcome.REFUSED else CHINESE[outcome]
            table.add_row(str(outcome), chinese, str(told.count(outcome)))
    return table


def filings_table(verdict: Verdict, guided: int) -> Table:
    """The head and tail filings, matched."""
    table = Table(title="The committee's filings (一头一尾), counted on its own topic", title_justify="left")
    for name in ("cases", "heads", "tails", "lost", "twice", "guided, no filing due"):
        table.add_column(name, justify="right")
    row = (verdict.cases, verdict.heads, verdict.tails, verdict.lost, verdict.duplicates, guided)
    table.add_row(*(str(number) for number in row))
    return table
