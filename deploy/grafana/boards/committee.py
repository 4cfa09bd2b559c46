"""What a centre's committee watches: who is late, what was filed, and why it takes so long."""

from deploy.grafana.panels import HERE, NAMED, Board, Query, Variable, bars, during, lines, quantile, row, stat


def total(series: str) -> Query:
    """Over the centre's units, now."""
    return Query(f"sum({series} {HERE})")


def by_unit(series: str, legend: str = "{{name}}") -> Query:
    """For each of the centre's units, by its name."""
    return Query(f"sum by (name) ({series} {HERE})", legend)


def by(label: str, series: str) -> Query:
    """Over the centre's units, for each value of one label or several."""
    legend = " ".join("{{" + one + "}}" for one in label.split(", "))
    return Query(f"sum by ({label}) ({series} {HERE})", legend)


BREACHES = during("noveto_deadline_breaches_total")
BREACHES_CORRECTED = during("noveto_deadline_breaches_corrected_total")
OUTCOMES = during("noveto_case_outcomes_total")
ACCEPTED = during('noveto_case_outcomes_total{outcome=~"accepted.*"}')
TO_OUTCOME = f"{during('noveto_time_to_outcome_working_seconds_bucket')} {HERE}"
AT_TIER = f"{during('noveto_time_at_tier_working_seconds_bucket')} {HERE}"
SILENT = f"noveto_unit_silent_working_seconds {HERE}"

COMMITTEE = Board(
    "noveto-committee",
    "管委会监督",
    "committee",
    (Variable("centre", "中心 · centre", "label_values(noveto_centre_open, centre)"),),
    (
        row(
            "现在 · now",
            stat("中心开放", "centre open", Query('noveto_centre_open{centre="$centre"}')),
            stat("在办事项", "open cases", total("noveto_cases_open")),
            stat("逾期未办结", "heads past due", total("noveto_heads_without_tail_past_due"), red_from=1),
            stat("一小时内到期", "due within the hour", total('noveto_limits_due{within="1h"}'), red_from=10),
            stat("答复未送达", "replies not delivered", total("noveto_replies_undelivered")),
            stat(
                "三个工作日超时率",
                "late in three working days",
                Query('centre_window:noveto_answers_late:ratio{centre="$centre",window="3d"}'),
                unit="percentunit",
                red_from=0.01,
            ),
        ),
        row(
            "谁逾期 · who is late",
            bars(
                "红牌（按单位）",
                "breaches by unit",
                Query(
                    f"sum by (name) ({BREACHES} {HERE}) - "
                    f"(sum by (name) ({BREACHES_CORRECTED} {HERE}) or 0 * sum by (name) ({BREACHES} {HERE}))",
                    "{{name}}",
                ),
                red_from=1,
            ),
            bars("红牌（按环节和时限）", "breaches by tier and limit", by("tier, limit", BREACHES), red_from=1),
            bars("黄牌（按单位）", "warnings by unit", by_unit(during("noveto_deadline_warnings_total"))),
            bars(
                "最久逾期",
                "oldest overdue",
                Query(f"max by (name) (noveto_oldest_overdue_seconds {HERE})", "{{name}}"),
                unit="s",
                red_from=1,
            ),
            lines("将到期（1、2、4小时）", "limits due within 1, 2, 4 hours", by("within", "noveto_limits_due")),
            bars(
                "多日无报送（工作日）",
                "silent units, working days",
                Query(f'{SILENT} / scalar(noveto_centre_working_day_seconds{{centre="$centre"}})', "{{name}}"),
                red_from=3,
            ),
        ),
        row(
            "报备与办理 · filings and cases",
            lines(
                "头、尾报备（每小时）",
                "heads and tails an hour",
                Query(f"sum({during('noveto_head_filings_total', '1h')} {HERE})", "头 heads"),
                Query(f"sum({during('noveto_tail_filings_total', '1h')} {HERE})", "尾 tails"),
            ),
            lines("在办（按环节）", "open by stage", by("stage", "noveto_cases_open")),
            bars("否决情形", "refusals by situation", by("situation", during("noveto_refusals_received_total"))),
            bars("办理结果", "outcomes", by("outcome", OUTCOMES)),
            bars(
                "改变窗口意见的比例",
                "overturned",
                Query(f"sum by (name) ({ACCEPTED} {HERE}) / (sum by (name) ({OUTCOMES} {HERE}) > 0)", "{{name}}"),
                unit="percentunit",
            ),
            bars(
                "漏报、迟报",
                "unfiled and late filings",
                by_unit(during("noveto_unfiled_refusals_total"), "漏报 {{name}}"),
                by_unit(during("noveto_late_filings_total"), "迟报 {{name}}"),
                red_from=1,
            ),
        ),
        row(
            "为什么 · why",
            stat(
                "办理用时（工作时间）",
                "time to outcome, working time",
                Query(quantile(0.5, TO_OUTCOME), "p50"),
                Query(quantile(0.9, TO_OUTCOME), "p90"),
                unit="s",
            ),
            bars(
                "各环节用时 p90（工作时间）",
                "time at each tier, p90",
                Query(quantile(0.9, AT_TIER, "tier"), "{{tier}}"),
                unit="s",
            ),
            bars(
                "上报方式",
                "escalations by decision and inaction",
                by("tier, how", during("noveto_escalations_total")),
            ),
            bars(
                "征询：待答复、未答复",
                "consultations awaited and unanswered",
                Query(f"noveto_consultations_awaited {NAMED}", "待答复 {{name}}"),
                Query(f"{during('noveto_consultations_unanswered_total')} {NAMED}", "未答复 {{name}}"),
            ),
            lines(
                "容缺：待补、逾期（累计）",
                "supplements awaited, overdue so far",
                Query(f"sum(noveto_supplements_awaited {HERE})", "待补 awaited"),
                Query(f"sum(noveto_supplements_overdue_total {HERE})", "逾期 overdue"),
            ),
            bars(
                "特殊、重大疑难认定，偏离先例",
                "declarations, departures from precedent",
                by("matter_class", during("noveto_declarations_total")),
                Query(f"sum({during('noveto_departures_from_precedent_total')} {HERE})", "偏离先例"),
            ),
        ),
        row(
            "监督 · supervision",
            bars("催办、督办、协调", "instructions", by("kind", during("noveto_instructions_total"))),
            bars("待答复督办", "instructions to answer", by_unit("noveto_instructions_unanswered"), red_from=1),
            bars("无人处理提醒", "nobody acts", by_unit(during("noveto_supervision_notices_total")), red_from=1),
            bars(
                "法定期限将满、视为受理",
                "statutory notices near, deemed accepted",
                by_unit(during("noveto_statutory_notices_near_total"), "将满 {{name}}"),
                by_unit(during("noveto_deemed_accepted_total"), "视为受理 {{name}}"),
                red_from=1,
            ),
            bars("窗口引导（未报备）", "guidance without a head", by_unit(during("noveto_guidance_given_total"))),
            bars("报本级政府", "referrals to the government", by_unit(during("noveto_referrals_total"))),
        ),
    ),
)
