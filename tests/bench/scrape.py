"""What a scrape costs with a million open cases at a centre of a hundred units: `python -m tests.bench.scrape`."""

import asyncio
import statistics
import tempfile
import time
from collections import Counter
from pathlib import Path

import asyncpg
import click
import orjson

from consumers import http
from consumers.database import migrate
from consumers.exporter import Exporter
from consumers.settings import Settings
from deploy.local import LocalStack
from metrics.table import EXPORTER, JOURNAL, Metric, Metrics
from topics.vocabulary import (
    ConsultationAnswer,
    DeliveryChannel,
    InstructionKind,
    LimitKind,
    MatterClass,
    Outcome,
    RequestKind,
    ReviewerOpinion,
    Situation,
    StageName,
    Tier,
)

UNITS = 100
CASES = 1_000_000
LABELS: dict[str, tuple[str, ...]] = {
    "unit": tuple(f"11350100BENCH{number:04}" for number in range(UNITS)),
    "situation": (*Situation, "not_stated"),
    "request_kind": tuple(RequestKind),
    "stage": tuple(stage for stage in StageName if stage is not StageName.CLOSED),
    "outcome": tuple(Outcome),
    "matter_class": tuple(MatterClass),
    "tier": tuple(Tier),
    "opinion": tuple(ReviewerOpinion),
    "how": ("decision", "inaction"),
    # Of a unit's own limits those that have cards.
    "limit": (LimitKind.APPROVAL, LimitKind.FAST_RESPONSE, LimitKind.STATUTORY_NOTICE, LimitKind.DELIVERY, LimitKind.INSTRUCTION),
    "channel": tuple(DeliveryChannel),
    "answer": tuple(ConsultationAnswer),
    "kind": tuple(InstructionKind),
    "party": tuple(f"party-{number}" for number in range(UNITS)),
    "reason": ("bad_field", "task_closed", "beyond_power", "not_json"),
    "result": ("in_time", "late", "corrected"),
    "lane": tuple(map(str, range(12))),
}  # fmt: skip
COMPUTED = {
    "noveto_unit_info", "noveto_cases_quarantined", "noveto_unit_silent_working_seconds", "noveto_centre_open",
    "noveto_centre_working_day_seconds", "noveto_calendar_certain_seconds", "noveto_answers_in_window", "noveto_limits_due",
    "noveto_limits_overdue", "noveto_oldest_overdue_seconds", "noveto_heads_without_tail_past_due",
}  # fmt: skip


def rows(metric: Metric) -> list[tuple[str, list[str], float]]:
    """Every series that a metric could have: the worst case."""
    labels: list[list[str]] = [[]]
    for name in metric.labels:
        labels = [[*known, value] for known in labels for value in LABELS[name]]
    if metric.kind == "histogram":
        labels = [[*known, at] for known in labels for at in (*map(str, range(len(metric.buckets) + 1)), "sum")]
    return [(metric.name, known, 7.0) for known in labels]


async def fill(dsn: str, cases: int) -> None:
    """A directory of a hundred units' counters, all of them, and a million open cases."""
    connection = await asyncpg.connect(dsn)
    for metric in JOURNAL:
        if metric.name not in COMPUTED:
            await connection.copy_records_to_table(
                "counted_values", records=rows(metric), columns=["name", "labels", "value"]
            )
    # Approvals end at closing time, budgets at any minute.
    await connection.execute(
        "insert into counted_limits select '11350100BENCH' || lpad(u::text, 4, '0'), 'approval', "
        "date_trunc('hour', now()) + d * interval '1 day', $1 / 200 from generate_series(0, 99) u, generate_series(0, 1) d",
        cases,
    )
    await connection.execute(
        "insert into counted_limits select '11350100BENCH' || lpad(u::text, 4, '0'), 'reviewer_budget', "
        "date_trunc('minute', now()) + m * interval '1 minute', 3 from generate_series(0, 99) u, generate_series(1, 180) m"
    )
    await connection.execute(
        "insert into counted_answers select 'hall', date_trunc('minute', now()) - m * interval '1 minute', r, 3 "
        "from generate_series(0, 4000) m, unnest(array['in_time', 'late']) r"
    )
    tracked = orjson.dumps(
        {"unit": "11350100BENCH0001", "centre": "hall", "situation": "grey_area", "clock_start": "2026-11-24T02:00:00Z"}
    )
    await connection.execute(
        "insert into counted_cases select '11350100BENCH-' || n, $1 from generate_series(1, $2::integer) n",
        tracked,
        cases,
    )
    await connection.execute(
        "insert into cases (case_id, lane, version, org_code, centre, stage, headless, task_code, opened_at, next_timer_at, state) "
        "select '11350100BENCH-' || n, n % 12, 1, '11350100BENCH' || lpad((n % 100)::text, 4, '0'), 'hall', 'at_reviewer', false, "
        "'T', now(), now() + interval '1 day', $1 from generate_series(1, $2::integer) n",
        b"x" * 1500,
        cases,
    )
    await connection.close()


def directory(folder: Path) -> Path:
    """A centre of a hundred units."""
    path = folder / "directory.yaml"
    units = [
        {"orgCode": unit, "name": f"单位{number}", "areaCode": "1", "centre": "hall"}
        for number, unit in enumerate(LABELS["unit"])
    ]
    parties = [
        {"id": party, "name": party, "speaksFor": [{"units": [unit], "tiers": list(map(str, Tier))}]}
        for party, unit in zip(LABELS["party"], LABELS["unit"], strict=True)
    ]
    centre = {"id": "hall", "name": "中心", "committee": "管委会", "areaCode": "1", "government": "政府"}
    told = {
        "version": "bench",
        "centres": [centre],
        "units": units,
        "parties": [*parties, {"id": "committee", "name": "管委会", "committeeOf": ["hall"]}],
    }
    path.write_bytes(orjson.dumps(told))
    return path


async def measure(cases: int) -> None:
    """Fill, scrape twenty times, print."""
    import aiohttp

    with tempfile.TemporaryDirectory(prefix="noveto-bench-") as folder:
        async with LocalStack(say=lambda said: None) as stack:
            settings = Settings(
                postgres_dsn=stack.postgres_dsn, directory=directory(Path(folder)), kafka_bootstrap=stack.bootstrap
            )
            await migrate(settings)
            await fill(stack.postgres_dsn, cases)
            metrics = Metrics(EXPORTER)
            exporter = Exporter(settings, metrics)
            runner, port = await http.serve("127.0.0.1", 0, metrics.registry, dict, dict, exporter.exposed)
            running = asyncio.create_task(exporter.run())
            try:
                async with asyncio.timeout(60), aiohttp.ClientSession() as session:
                    while True:
                        seconds, texts = [], []
                        for _ in range(20):
                            started = time.perf_counter()
                            async with session.get(f"http://127.0.0.1:{port}/metrics") as answer:
                                body = await answer.read()
                            seconds.append(time.perf_counter() - started)
                            texts.append(body.decode())
                        if len(texts[0]) > 100_000:
                            break
                        await asyncio.sleep(0.5)
            finally:
                running.cancel()
                await asyncio.wait((running,))
                await runner.cleanup()
    series = Counter(line.split("{")[0].split(" ")[0] for line in texts[0].splitlines() if not line.startswith("#"))
    click.echo(f"{cases} open cases, {UNITS} units: {sum(series.values())} series, {len(texts[0])} bytes")
    click.echo(f"scrape: median {statistics.median(seconds) * 1000:.1f} ms, worst of 20 {max(seconds) * 1000:.1f} ms")
    for name, count in series.most_common(12):
        click.echo(f"  {count:6} {name}")


@click.command()
@click.option("--cases", default=CASES, show_default=True)
def main(cases: int) -> None:
    """Print what a scrape costs."""
    asyncio.run(measure(cases))


if __name__ == "__main__":
    main()
