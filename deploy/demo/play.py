"""The play from beginning to end: stack, router, parties, verdict; everything it started ends with it."""

import asyncio
import json
import logging
import shutil
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import click
import yaml
from pydantic import ValidationError
from rich.console import Console

import deploy
from deploy.demo.cast import Cast, Play, cast, pace_of, plays
from deploy.demo.filings import Filings, Verdict
from deploy.demo.follow import Follower
from deploy.demo.pace import Pace
from deploy.demo.party.lines import Clock
from deploy.demo.processes import Processes
from deploy.demo.progress import Progress
from deploy.demo.router import Router
from deploy.demo.script import ScriptError, load_day
from deploy.demo.view import View, filings_table, outcomes_table
from deploy.local import LocalStack, LocalStackError
from topics.directory import Directory
from topics.registry import Family, TopicNames

SAMPLE = Path(deploy.__file__).parent / "sample"
DIRECTORY = SAMPLE / "directory.yaml"
PARTY = "deploy.demo.party"
PARTY_STOP_SECONDS = 5.0
TICK_SECONDS = 0.2
QUIET_SECONDS = 1.5
DELIVERY_SECONDS = 10.0
STALLED_SECONDS = 45.0


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for."""

    cases: int | None
    leave: bool
    """End when the play is over, with a line of JSON."""
    speed: float
    data: Path | None
    secure: bool = False
    """TLS, a password for everybody, and access lists from the directory."""


def load_directory(path: Path) -> Directory:
    """The directory of the sample. Raises ScriptError."""
    try:
        return Directory.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")))
    except (ValidationError, yaml.YAMLError) as error:
        raise ScriptError(f"{path.name}: {error}") from error


async def play(options: Options) -> bool:
    """Play the day; whether every case ended with exactly one head and one tail."""
    directory = load_directory(DIRECTORY)
    day = load_day(SAMPLE / "day")
    run = datetime.now(ZoneInfo("Asia/Shanghai")).strftime("%Y%m%d%H%M%S")
    chosen = plays(day, options.cases or day.counted, run)
    console = Console()
    async with LocalStack(
        options.data,
        say=lambda said: console.print(said, highlight=False),
        secure="scram" if options.secure else "no",
    ) as stack:
        logging.basicConfig(filename=stack.log_dir / "demo.log", format="%(asctime)s %(name)s %(message)s", force=True)
        try:
            async with Processes(stack.log_dir) as processes:
                performance = Performance(options, directory, chosen, run, console, stack, processes)
                return await performance.perform()
        except LocalStackError:
            _keep_logs(stack, console)
            raise


class Performance:
    """One play on one stack."""

    def __init__(
        self,
        options: Options,
        directory: Directory,
        chosen: list[Play],
        run: str,
        console: Console,
        stack: LocalStack,
        processes: Processes,
    ) -> None:
        self._options = options
        self._directory = directory
        self._chosen = chosen
        self._console = console
        self._stack = stack
        self._processes = processes
        self._own_dir = stack.data_dir / "demo"
        self._own_dir.mkdir(exist_ok=True)
        self._router = Router(processes, stack, DIRECTORY, self._own_dir)
        self._filings = Filings([play.case_id for play in chosen if play.case.counted], run)
        self._progress = Progress(run)

    async def perform(self) -> bool:
        """Router, parties, play, verdict; then stay, unless asked to leave."""
        pace = pace_of(self._options.speed, self._chosen)
        self._say("creating topics and schema, starting the router")
        await self._router.prepare()
        clock = pace.clock(datetime.now(UTC))
        await self._router.start(clock)
        if not pace.virtual:
            clock = pace.clock(datetime.now(UTC))
        actors = cast(self._chosen, self._directory, pace, clock)
        try:
            verdict = await self._watched(actors, pace, clock)
            await self._conclude(verdict)
            if not self._options.leave:
                self._say("Ctrl-C stops everything.")
                await asyncio.Event().wait()
        finally:
            await self._processes.stop([f"party-{lines.party}" for lines in actors.lines], PARTY_STOP_SECONDS)
            await self._router.stop()
        if self._options.leave:
            click.echo(json.dumps(verdict.as_json(), separators=(",", ":")))
        return verdict.good

    async def _watched(self, actors: Cast, pace: Pace, clock: Clock) -> Verdict:
        names = TopicNames()
        centre = self._directory.centres[0].id
        filings_topic = names.of(Family.COMMITTEE_FILINGS, centre)
        committee = self._router.connection(self._directory.committee_party(centre) or "")
        observer = self._router.connection("noveto-exporter")
        async with (
            Follower(committee, filings_topic, self._filings.receive) as filings,
            Follower(observer, names.of(Family.CASE_EVENTS), self._progress.receive) as events,
        ):
            await self._start(actors)
            with View(self._console, self._progress, self._filings, len(actors.cases)) as view:
                started = time.monotonic()
                ended = started
                last_received, last_news = 0, started
                while not self._filings.complete:
                    await asyncio.sleep(TICK_SECONDS)
                    self._processes.check()
                    filings.check()
                    events.check()
                    view.refresh()
                    ended = time.monotonic()
                    if self._filings.received != last_received:
                        last_received, last_news = self._filings.received, ended
                    if ended - last_news > STALLED_SECONDS or ended - started > pace.longest_seconds:
                        break
                await self._settle(view)
                view.refresh(at_once=True)
        return self._filings.verdict(max(0.0, ended - started))

    async def _start(self, actors: Cast) -> None:
        self._say(f"{len(actors.cases)} cases, {len(actors.lines)} parties, each a process of its own")
        for lines in actors.lines:
            path = self._own_dir / f"{lines.party}.json"
            lines.save(path)
            argv: tuple[str, ...] = (PARTY, "--lines", str(path), "--bootstrap", self._stack.bootstrap)
            login = self._router.login(lines.party)
            if login is not None:
                argv += ("--login", str(login[0]), "--ca", str(login[1]))
            await self._processes.start(f"party-{lines.party}", argv, {})

    async def _settle(self, view: View) -> None:
        """Wait until nothing more comes, so that a filing too many would be seen, and the replies are delivered."""
        quiet_since = time.monotonic()
        deadline = quiet_since + DELIVERY_SECONDS
        received = self._filings.received
        while time.monotonic() < deadline:
            await asyncio.sleep(TICK_SECONDS)
            view.refresh()
            if self._filings.received != received:
                received, quiet_since = self._filings.received, time.monotonic()
            told = self._progress.delivered >= self._filings.tails
            if time.monotonic() - quiet_since >= QUIET_SECONDS and told:
                return

    async def _conclude(self, verdict: Verdict) -> None:
        self._console.print(outcomes_table(self._filings))
        self._console.print(filings_table(verdict, self._progress.guided))
        for line in self._otherwise():
            self._say(f"ended otherwise than the day says: {line}")
        for line in self._progress.turned_away:
            self._say(f"turned away: {line}")
        for line in (*verdict.missing, *(f"{case}: should have no filing" for case in verdict.unexpected)):
            self._say(f"missing or too much: {line}")
        if not verdict.good:
            _keep_logs(self._stack, self._console)
        case_id = self._worth_telling()
        if case_id:
            self._say(f"\nnoveto case show {case_id}")
            self._say(await self._router.tell(case_id))
        self._say("")
        self._say(f"Kafka       {self._stack.bootstrap}")
        self._say(f"PostgreSQL  {self._stack.postgres_dsn}")
        self._say(f"metrics     {self._router.metrics}")
        self._say(f"logs        {self._stack.log_dir}")

    def _otherwise(self) -> list[str]:
        expected = {play.case_id: str(play.case.outcome) for play in self._chosen if play.case.counted}
        return [
            f"{case_id}: {outcome} instead of {expected.get(case_id)}"
            for case_id, outcome in self._filings.outcomes.items()
            if outcome != expected.get(case_id)
        ]

    def _worth_telling(self) -> str | None:
        """The case with most steps, a closed one if there is any."""
        closed = [case_id for case_id in self._progress.cases if case_id in self._filings.outcomes]
        told = closed or list(self._progress.cases)
        return max(told, key=lambda case_id: (self._progress.cases[case_id].steps, case_id), default=None)

    def _say(self, what: str) -> None:
        self._console.print(what, highlight=False, markup=False, soft_wrap=True)


def _keep_logs(stack: LocalStack, console: Console) -> None:
    """The run's own directory goes with the stack; its logs are needed to find out what went wrong."""
    kept = Path(tempfile.mkdtemp(prefix="noveto-demo-logs-"))
    shutil.copytree(stack.log_dir, kept, dirs_exist_ok=True)
    console.print(f"the logs are kept in {kept}", highlight=False, soft_wrap=True)
