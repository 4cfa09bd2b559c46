"""What the dashboards ask, and what they call it: Chinese first, for who reads them."""

from dataclasses import dataclass
from typing import Literal

NAMED = "* on (unit) group_left (name) noveto_unit_info"
HALL = '{centre="$centre"}'


@dataclass(frozen=True, slots=True)
class Query:
    """An expression, and how its series are called in the legend."""

    expr: str
    legend: str = ""


@dataclass(frozen=True, slots=True)
class Panel:
    """One picture. `unit` is Grafana's."""

    chinese: str
    english: str
    kind: Literal["stat", "timeseries", "bars"]
    queries: tuple[Query, ...]
    unit: str = "short"
    red_from: float | None = None
    """From when on it is shown red."""

    @property
    def title(self) -> str:
        return f"{self.chinese} · {self.english}"


@dataclass(frozen=True, slots=True)
class Variable:
    """What a reader chooses: the values of a label."""

    name: str
    label: str
    query: str


@dataclass(frozen=True, slots=True)
class Board:
    """A dashboard: rows of panels under their titles."""

    uid: str
    chinese: str
    english: str
    variables: tuple[Variable, ...]
    rows: tuple[tuple[str, tuple[Panel, ...]], ...]

    @property
    def title(self) -> str:
        return f"{self.chinese} · {self.english}"


CENTRE = Variable("centre", "中心 · centre", "label_values(noveto_centre_open, centre)")
UNIT = Variable("unit", "单位 · unit", 'label_values(noveto_unit_info{centre!=""}, unit)')


def here(expr: str) -> str:
    """Series of the chosen centre's units, with the units' names."""
    return f'({expr}) * on (unit) group_left (name) noveto_unit_info{{centre="$centre"}}'


def all_here(expr: str) -> str:
    """Their sum."""
    return f"sum({here(expr)})"


def quantile(share: float, metric: str, matchers: str = "") -> str:
    """Over everything that was ever counted: these histograms are of cases, not of seconds."""
    return f"histogram_quantile({share}, sum by (le) ({metric}_bucket{matchers}))"


COMMITTEE = Board(
    "noveto-committee",
    "管委会监督",
    "committee",
    (CENTRE,),
    (
        (
            "现在 · now",
            (
                Panel("中心开放", "centre open", "stat", (Query(f"noveto_centre_open{HALL}"),)),
                Panel("在办事项", "open cases", "stat", (Query(all_here("sum by (unit) (noveto_cases_open)")),)),
                Panel(
                    "逾期未办结",
                    "heads past due",
                    "stat",
                    (Query(all_here("noveto_heads_without_tail_past_due")),),
                    red_from=1,
                ),
                Panel(
                    "一小时内到期",
                    "due within the hour",
                    "stat",
                    (Query(all_here('sum by (unit) (noveto_limits_due{within="1h"})')),),
                    red_from=10,
                ),
                Panel("答复未送达", "replies not delivered", "stat", (Query(all_here("noveto_replies_undelivered")),)),
                Panel(
                    "三个工作日超时率",
                    "late in three working days",
                    "stat",
                    (Query('centre_window:noveto_answers_late:ratio{centre="$centre",window="3d"}'),),
                    "percentunit",
                    0.01,
                ),
            ),
        ),
        (
            "谁逾期 · who is late",
            (
                Panel(
                    "红牌（按单位）",
                    "breaches by unit",
                    "bars",
                    (
                        Query(
                            here(
                                "sum by (unit) (noveto_deadline_breaches_total) - (sum by (unit) (noveto_deadline_breaches_corrected_total) or on (unit) 0 * sum by (unit) (noveto_deadline_breaches_total))"
                            ),
                            "{{name}}",
                        ),
                    ),
                    red_from=1,
                ),
                Panel(
                    "红牌（按环节和时限）",
                    "breaches by tier and limit",
                    "bars",
                    (Query("sum by (tier, limit) (noveto_deadline_breaches_total)", "{{tier}} {{limit}}"),),
                    red_from=1,
                ),
                Panel(
                    "黄牌（按单位）",
                    "warnings by unit",
                    "bars",
                    (Query(here("sum by (unit) (noveto_deadline_warnings_total)"), "{{name}}"),),
                ),
                Panel(
                    "最久逾期",
                    "oldest overdue",
                    "bars",
                    (Query(here("max by (unit) (noveto_oldest_overdue_seconds)"), "{{name}}"),),
                    "s",
                    1,
                ),
                Panel(
                    "将到期（1、2、4小时）",
                    "limits due within 1, 2, 4 hours",
                    "timeseries",
                    (Query("sum by (within) (noveto_limits_due)", "{{within}}"),),
                ),
                Panel(
                    "多日无报送（工作日）",
                    "silent units, working days",
                    "bars",
                    (
                        Query(
                            here("noveto_unit_silent_working_seconds")
                            + ' / scalar(noveto_centre_working_day_seconds{centre="$centre"})',
                            "{{name}}",
                        ),
                    ),
                    red_from=3,
                ),
            ),
        ),
        (
            "报备与办理 · filings and cases",
            (
                Panel(
                    "头、尾报备",
                    "heads and tails",
                    "timeseries",
                    (
                        Query("sum(noveto_head_filings_total)", "头 heads"),
                        Query("sum(noveto_tail_filings_total)", "尾 tails"),
                    ),
                ),
                Panel(
                    "在办（按环节）",
                    "open by stage",
                    "timeseries",
                    (Query("sum by (stage) (noveto_cases_open)", "{{stage}}"),),
                ),
                Panel(
                    "否决情形",
                    "refusals by situation",
                    "bars",
                    (Query("sum by (situation) (noveto_refusals_received_total)", "{{situation}}"),),
                ),
                Panel(
                    "办理结果",
                    "outcomes",
                    "bars",
                    (Query("sum by (outcome) (noveto_case_outcomes_total)", "{{outcome}}"),),
                ),
                Panel(
                    "改变窗口意见的比例",
                    "overturned",
                    "bars",
                    (
                        Query(
                            here(
                                'sum by (unit) (noveto_case_outcomes_total{outcome=~"accepted.*"}) / sum by (unit) (noveto_case_outcomes_total)'
                            ),
                            "{{name}}",
                        ),
                    ),
                    "percentunit",
                ),
                Panel(
                    "漏报、迟报",
                    "unfiled and late filings",
                    "bars",
                    (
                        Query(here("noveto_unfiled_refusals_total"), "漏报 {{name}}"),
                        Query(here("noveto_late_filings_total"), "迟报 {{name}}"),
                    ),
                ),
            ),
        ),
        (
            "为什么 · why",
            (
                Panel(
                    "办理用时（工作时间）",
                    "time to outcome, working time",
                    "stat",
                    (
                        Query(quantile(0.5, "noveto_time_to_outcome_working_seconds"), "p50"),
                        Query(quantile(0.9, "noveto_time_to_outcome_working_seconds"), "p90"),
                    ),
                    "s",
                ),
                Panel(
                    "各环节用时 p90（工作时间）",
                    "time at each tier, p90",
                    "bars",
                    (
                        Query(
                            "histogram_quantile(0.9, sum by (le, tier) (noveto_time_at_tier_working_seconds_bucket))",
                            "{{tier}}",
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "上报方式",
                    "escalations by decision and inaction",
                    "bars",
                    (Query("sum by (tier, how) (noveto_escalations_total)", "{{tier}} {{how}}"),),
                ),
                Panel(
                    "征询：待答复、未答复",
                    "consultations awaited and unanswered",
                    "bars",
                    (
                        Query("noveto_consultations_awaited " + NAMED, "待 {{name}}"),
                        Query("noveto_consultations_unanswered_total " + NAMED, "未答 {{name}}"),
                    ),
                ),
                Panel(
                    "容缺逾期、待补",
                    "supplements overdue and awaited",
                    "timeseries",
                    (
                        Query("sum(noveto_supplements_overdue_total)", "逾期 overdue"),
                        Query("sum(noveto_supplements_awaited)", "待补 awaited"),
                    ),
                ),
                Panel(
                    "重大疑难认定、偏离先例",
                    "declarations, departures from precedent",
                    "timeseries",
                    (
                        Query("sum(noveto_declarations_total) or sum(noveto_head_filings_total) * 0", "认定 declared"),
                        Query("sum(noveto_departures_from_precedent_total)", "偏离 departures"),
                    ),
                ),
            ),
        ),
    ),
)

UNIT_BOARD = Board(
    "noveto-unit",
    "单位视图",
    "unit",
    (UNIT,),
    (
        (
            "现在 · now",
            (
                Panel("在办事项", "open cases", "stat", (Query('sum(noveto_cases_open{unit="$unit"})'),)),
                Panel(
                    "逾期", "overdue limits", "stat", (Query('sum(noveto_limits_overdue{unit="$unit"})'),), red_from=1
                ),
                Panel(
                    "四小时内到期",
                    "due within four hours",
                    "stat",
                    (Query('sum(noveto_limits_due{unit="$unit",within="4h"})'),),
                ),
                Panel("待送达答复", "replies to deliver", "stat", (Query('noveto_replies_undelivered{unit="$unit"}'),)),
                Panel(
                    "待答复督办",
                    "instructions to answer",
                    "stat",
                    (Query('noveto_instructions_unanswered{unit="$unit"}'),),
                    red_from=1,
                ),
                Panel("待补材料", "supplements to come", "stat", (Query('noveto_supplements_awaited{unit="$unit"}'),)),
            ),
        ),
        (
            "时限 · limits",
            (
                Panel(
                    "红牌",
                    "breaches",
                    "bars",
                    (
                        Query(
                            'sum by (tier, limit) (noveto_deadline_breaches_total{unit="$unit"})', "{{tier}} {{limit}}"
                        ),
                    ),
                    red_from=1,
                ),
                Panel(
                    "黄牌",
                    "warnings",
                    "bars",
                    (
                        Query(
                            'sum by (tier, limit) (noveto_deadline_warnings_total{unit="$unit"})', "{{tier}} {{limit}}"
                        ),
                    ),
                ),
                Panel(
                    "将到期（按时限）",
                    "due by limit",
                    "timeseries",
                    (Query('sum by (limit) (noveto_limits_due{unit="$unit",within="4h"})', "{{limit}}"),),
                ),
                Panel(
                    "最久逾期",
                    "oldest overdue",
                    "timeseries",
                    (Query('noveto_oldest_overdue_seconds{unit="$unit"}', "{{limit}}"),),
                    "s",
                ),
                Panel(
                    "按时答复",
                    "answers in time",
                    "bars",
                    (Query('sum by (result) (noveto_answers_total{unit="$unit"})', "{{result}}"),),
                ),
                Panel(
                    "法定期限将满、视为受理",
                    "statutory notices near, deemed accepted",
                    "stat",
                    (
                        Query('noveto_statutory_notices_near_total{unit="$unit"}', "将满 near"),
                        Query('noveto_deemed_accepted_total{unit="$unit"}', "视为受理 deemed"),
                    ),
                ),
            ),
        ),
        (
            "事项 · cases",
            (
                Panel(
                    "在办（按环节）",
                    "open by stage",
                    "timeseries",
                    (Query('noveto_cases_open{unit="$unit"}', "{{stage}}"),),
                ),
                Panel(
                    "办理结果",
                    "outcomes",
                    "bars",
                    (Query('sum by (outcome) (noveto_case_outcomes_total{unit="$unit"})', "{{outcome}}"),),
                ),
                Panel(
                    "审核意见",
                    "reviewers' opinions",
                    "bars",
                    (Query('sum by (opinion) (noveto_reviewer_opinions_total{unit="$unit"})', "{{opinion}}"),),
                ),
                Panel(
                    "各环节用时 p90（工作时间）",
                    "time at each tier, p90",
                    "bars",
                    (
                        Query(
                            'histogram_quantile(0.9, sum by (le, tier) (noveto_time_at_tier_working_seconds_bucket{unit="$unit"}))',
                            "{{tier}}",
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "上报方式",
                    "escalations",
                    "bars",
                    (Query('sum by (tier, how) (noveto_escalations_total{unit="$unit"})', "{{tier}} {{how}}"),),
                ),
                Panel(
                    "送达",
                    "deliveries",
                    "bars",
                    (Query('sum by (channel) (noveto_deliveries_total{unit="$unit"})', "{{channel}}"),),
                ),
            ),
        ),
    ),
)

OPERATOR = Board(
    "noveto-operator",
    "运行监测",
    "operator",
    (),
    (
        (
            "健康 · health",
            (
                Panel("在线进程", "processes up", "stat", (Query("sum by (job) (up)", "{{job}}"),)),
                Panel("有主通道", "lanes owned", "stat", (Query("sum by (stage) (noveto_lane_owned)", "{{stage}}"),)),
                Panel(
                    "停止的通道",
                    "lanes stopped",
                    "stat",
                    (Query("sum(noveto_lane_stopped) or sum(noveto_lane_owned) * 0"),),
                    red_from=1,
                ),
                Panel("被隔离事项", "quarantined cases", "stat", (Query("sum(noveto_cases_quarantined)"),), red_from=1),
                Panel("监测导出程序", "exporters that count", "stat", (Query("sum(noveto_exporter_active)"),)),
                Panel(
                    "节假日安排剩余天数",
                    "days of certain calendar",
                    "stat",
                    (Query("min(noveto_calendar_certain_seconds)"),),
                    "s",
                ),
                Panel(
                    "版本",
                    "versions",
                    "bars",
                    (Query("count by (version, python) (noveto_build_info)", "{{version}} python {{python}}"),),
                ),
                Panel(
                    "头尾与在办之差",
                    "heads less tails less open",
                    "stat",
                    (
                        Query(
                            "sum(noveto_head_filings_total) - sum(noveto_tail_filings_total) - sum(noveto_heads_without_tail)"
                        ),
                    ),
                    red_from=1,
                ),
            ),
        ),
        (
            "目标 · objectives",
            (
                Panel(
                    "超过1秒的指令比例",
                    "commands slower than 1 s",
                    "timeseries",
                    (
                        Query("noveto:commands_slow:ratio_rate5m", "5m"),
                        Query("noveto:commands_slow:ratio_rate1h", "1h"),
                        Query("noveto:commands_slow:ratio_rate6h", "6h"),
                        Query("noveto:commands_slow:ratio_rate3d", "3d"),
                    ),
                    "percentunit",
                    0.001,
                ),
                Panel(
                    "指令处理时长",
                    "command latency",
                    "timeseries",
                    (
                        Query(
                            "histogram_quantile(0.5, sum by (le) (rate(noveto_desk_command_seconds_bucket[5m])))", "p50"
                        ),
                        Query(
                            "histogram_quantile(0.99, sum by (le) (rate(noveto_desk_command_seconds_bucket[5m])))",
                            "p99",
                        ),
                    ),
                    "s",
                    1,
                ),
                Panel(
                    "到期提醒延迟",
                    "timer lag",
                    "timeseries",
                    (Query("histogram_quantile(0.99, sum by (le) (noveto_timer_lag_seconds_bucket))", "p99"),),
                    "s",
                    60,
                ),
            ),
        ),
        (
            "流量与积压 · traffic and lag",
            (
                Panel(
                    "速率",
                    "rates",
                    "timeseries",
                    (
                        Query("sum(rate(noveto_intake_records_total[1m]))", "intake"),
                        Query("sum(rate(noveto_desk_commands_total[1m]))", "desk"),
                        Query("sum(rate(noveto_relay_messages_total[1m]))", "relay"),
                    ),
                    "ops",
                ),
                Panel(
                    "积压",
                    "lag",
                    "timeseries",
                    (Query("stage:noveto_lag:sum", "{{stage}}"), Query("sum(noveto_exporter_lag_entries)", "exporter")),
                ),
                Panel(
                    "积压时长",
                    "lag in seconds",
                    "timeseries",
                    (Query("stage:noveto_lag_seconds:max", "{{stage}}"),),
                    "s",
                ),
                Panel(
                    "日志条目（按类）",
                    "journal entries by kind",
                    "timeseries",
                    (Query("sum by (kind) (noveto_journal_entries_total)", "{{kind}}"),),
                ),
                Panel(
                    "被拒指令",
                    "rejected commands",
                    "bars",
                    (Query("sum by (reason) (noveto_commands_rejected_total)", "{{reason}}"),),
                ),
                Panel(
                    "无法使用的报文",
                    "dead letters",
                    "bars",
                    (Query("sum by (party) (noveto_dead_letters_total)", "{{party}}"),),
                ),
            ),
        ),
        (
            "阶段 · stages",
            (
                Panel(
                    "事务时长 p99",
                    "transaction durations, p99",
                    "timeseries",
                    (
                        Query(
                            "histogram_quantile(0.99, sum by (le) (rate(noveto_desk_transaction_seconds_bucket[5m])))",
                            "desk",
                        ),
                        Query(
                            "histogram_quantile(0.99, sum by (le) (rate(noveto_relay_transaction_seconds_bucket[5m])))",
                            "relay",
                        ),
                        Query(
                            "histogram_quantile(0.99, sum by (le) (rate(noveto_intake_forward_seconds_bucket[5m])))",
                            "intake",
                        ),
                        Query(
                            "histogram_quantile(0.99, sum by (le) (rate(noveto_exporter_transaction_seconds_bucket[5m])))",
                            "exporter",
                        ),
                    ),
                    "s",
                ),
                Panel(
                    "批量",
                    "batch sizes",
                    "timeseries",
                    (
                        Query(
                            "sum(rate(noveto_desk_batch_commands_sum[5m])) / sum(rate(noveto_desk_batch_commands_count[5m]))",
                            "desk",
                        ),
                        Query(
                            "sum(rate(noveto_relay_batch_entries_sum[5m])) / sum(rate(noveto_relay_batch_entries_count[5m]))",
                            "relay",
                        ),
                        Query(
                            "sum(rate(noveto_intake_batch_records_sum[5m])) / sum(rate(noveto_intake_batch_records_count[5m]))",
                            "intake",
                        ),
                    ),
                ),
                Panel(
                    "通道易手",
                    "hand-overs",
                    "timeseries",
                    (Query("sum by (stage) (noveto_lane_handovers_total)", "{{stage}}"),),
                ),
                Panel(
                    "数据库连接",
                    "database connections",
                    "timeseries",
                    (Query("sum by (instance, state) (noveto_database_pool_connections)", "{{instance}} {{state}}"),),
                ),
                Panel(
                    "到期处理", "timers fired", "timeseries", (Query("sum(noveto_desk_timers_fired_total)", "fired"),)
                ),
                Panel(
                    "错误与重试",
                    "errors and refused gaps",
                    "timeseries",
                    (
                        Query("sum(noveto_desk_gaps_refused_total) or sum(noveto_lane_owned) * 0", "gaps"),
                        Query("sum(noveto_relay_aborts_total) or sum(noveto_lane_owned) * 0", "aborts"),
                        Query("sum(noveto_lane_fenced_total) or sum(noveto_lane_owned) * 0", "fenced"),
                    ),
                ),
            ),
        ),
    ),
)

BOARDS = (COMMITTEE, OPERATOR, UNIT_BOARD)
