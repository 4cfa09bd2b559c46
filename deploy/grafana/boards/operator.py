"""What operators watch: whether everything runs, how fast, how far behind, and what fails."""

from deploy.grafana.panels import Board, Query, bars, during, lines, quantile, row, stat

DESK_LATENCY = "rate(noveto_desk_command_seconds_bucket[5m])"


def or_none(series: str) -> str:
    """A sum, 0 where nothing of the kind was ever counted while a router runs."""
    return f"sum({series}) or 0 * sum(noveto_lane_owned)"


def p99(histogram: str, by: str = "") -> str:
    """Of the last five minutes."""
    return quantile(0.99, f"rate({histogram}_bucket[5m])", by)


def mean(histogram: str) -> str:
    """Of the last five minutes."""
    return f"sum(rate({histogram}_sum[5m])) / sum(rate({histogram}_count[5m]))"


OPERATOR = Board(
    "noveto-operator",
    "运行监测",
    "operator",
    (),
    (
        row(
            "健康 · health",
            stat("在线进程", "processes up", Query("sum by (job) (up)", "{{job}}")),
            stat("有主通道", "lanes owned", Query("sum by (stage) (noveto_lane_owned)", "{{stage}}")),
            stat("停止的通道", "lanes stopped", Query(or_none("noveto_lane_stopped")), red_from=1),
            stat("被隔离事项", "quarantined cases", Query("sum(noveto_cases_quarantined)"), red_from=1),
            stat("监测导出程序", "exporters that count", Query("sum(noveto_exporter_active)")),
            stat(
                "监测数据距今",
                "age of what is told",
                Query("time() - max(timestamp(noveto_cases_quarantined))"),
                unit="s",
                red_from=60,
            ),
            stat(
                "节假日安排剩余天数",
                "days of certain calendar",
                Query("min(noveto_calendar_certain_seconds)"),
                unit="s",
            ),
            stat(
                "头尾与在办之差",
                "heads less tails less open",
                Query(
                    "sum(noveto_head_filings_total) - sum(noveto_tail_filings_total) - sum(noveto_heads_without_tail)"
                ),
                red_from=1,
            ),
            stat(
                "无法识别的日志条目", "unreadable entries", Query("sum(noveto_exporter_unreadable_total)"), red_from=1
            ),
            stat("暂定时限", "provisional limits", Query("sum(noveto_limits_provisional)")),
            bars(
                "版本",
                "versions",
                Query("count by (version, python) (noveto_build_info)", "{{version}} python {{python}}"),
            ),
        ),
        row(
            "目标 · objectives",
            lines(
                "超过1秒的指令比例",
                "commands slower than 1 s",
                *(Query(f"noveto:commands_slow:ratio_rate{window}", window) for window in ("5m", "1h", "6h", "3d")),
                unit="percentunit",
                red_from=0.001,
            ),
            lines(
                "指令处理时长",
                "command latency",
                Query(quantile(0.5, DESK_LATENCY), "p50"),
                Query(quantile(0.99, DESK_LATENCY), "p99"),
                unit="s",
                red_from=1,
            ),
            lines(
                "到期提醒延迟（一小时内）",
                "timer lag in an hour",
                Query(quantile(0.99, during("noveto_timer_lag_seconds_bucket", "1h")), "p99"),
                unit="s",
                red_from=60,
            ),
        ),
        row(
            "流量与积压 · traffic and lag",
            lines(
                "速率",
                "rates",
                Query("sum(rate(noveto_intake_records_total[1m]))", "intake"),
                Query("sum(rate(noveto_desk_commands_total[1m]))", "desk"),
                Query("sum(rate(noveto_relay_messages_total[1m]))", "relay"),
                unit="ops",
            ),
            lines(
                "积压",
                "lag",
                Query("stage:noveto_lag:sum", "{{stage}}"),
                Query("sum(noveto_exporter_lag_entries)", "exporter"),
            ),
            lines("积压时长", "lag in seconds", Query("stage:noveto_lag_seconds:max", "{{stage}}"), unit="s"),
            lines(
                "日志条目（每小时，按类）",
                "journal entries an hour",
                Query(f"sum by (kind) ({during('noveto_journal_entries_total', '1h')})", "{{kind}}"),
            ),
            bars(
                "被拒指令",
                "rejected commands",
                Query(f"sum by (reason) ({during('noveto_commands_rejected_total')})", "{{reason}}"),
            ),
            bars(
                "无法使用的报文",
                "dead letters",
                Query(f"sum by (party, reason) ({during('noveto_dead_letters_total')})", "{{party}} {{reason}}"),
                red_from=1,
            ),
        ),
        row(
            "阶段 · stages",
            lines(
                "事务时长 p99",
                "transaction durations, p99",
                Query(p99("noveto_intake_forward_seconds"), "intake"),
                Query(p99("noveto_desk_transaction_seconds"), "desk"),
                Query(p99("noveto_relay_transaction_seconds"), "relay"),
                Query(p99("noveto_exporter_transaction_seconds"), "exporter"),
                unit="s",
            ),
            lines(
                "审理各步时长 p99",
                "desk phases, p99",
                Query(p99("noveto_desk_phase_seconds", "phase"), "{{phase}}"),
                unit="s",
            ),
            lines(
                "批量",
                "batch sizes",
                Query(mean("noveto_intake_batch_records"), "intake"),
                Query(mean("noveto_desk_batch_commands"), "desk"),
                Query(mean("noveto_relay_batch_entries"), "relay"),
            ),
            lines(
                "到期处理",
                "timers fired",
                Query("sum(rate(noveto_desk_timers_fired_total[1m]))", "fired"),
                unit="ops",
            ),
            lines(
                "通道易手（五分钟内）",
                "hand-overs in five minutes",
                Query("sum by (stage) (increase(noveto_lane_handovers_total[5m]))", "{{stage}}"),
                Query("sum(increase(noveto_lane_fenced_total[5m]))", "fenced"),
                Query("sum(increase(noveto_exporter_handovers_total[5m]))", "exporter"),
            ),
            lines(
                "错误与重试（五分钟内）",
                "errors in five minutes",
                Query(or_none("increase(noveto_intake_restarts_total[5m])"), "intake restarts"),
                Query(or_none("increase(noveto_intake_errors_total[5m])"), "intake"),
                Query(or_none("increase(noveto_desk_errors_total[5m])"), "desk"),
                Query(or_none("increase(noveto_desk_gaps_refused_total[5m])"), "gaps refused"),
                Query(or_none("increase(noveto_relay_aborts_total[5m])"), "relay aborts"),
                Query(or_none("increase(noveto_exporter_errors_total[5m])"), "exporter"),
            ),
            lines(
                "数据库连接",
                "database connections",
                Query("sum by (instance, state) (noveto_database_pool_connections)", "{{instance}} {{state}}"),
            ),
        ),
    ),
)
