"""What one unit watches: what it must do next, what it was late with, how its cases end."""

from deploy.grafana.panels import Board, Query, Variable, bars, during, lines, quantile, row, stat


def own(name: str, matchers: str = "") -> str:
    """The unit's series of a metric."""
    return f'{name}{{unit="$unit"{matchers and "," + matchers}}}'


def by(label: str, series: str) -> Query:
    """For each value of one label or several."""
    legend = " ".join("{{" + one + "}}" for one in label.split(", "))
    return Query(f"sum by ({label}) ({series})", legend)


DUE_SOON = own("noveto_limits_due", 'within="4h"')

UNITS = Variable(
    "unit",
    "单位 · unit",
    'query_result(unit:noveto_unit_info:latest{centre!=""})',
    regex='/name="(?<text>[^"]+)".*unit="(?<value>[^"]+)"/',
)

UNIT = Board(
    "noveto-unit",
    "单位视图",
    "unit",
    (UNITS,),
    (
        row(
            "现在 · now",
            stat("在办事项", "open cases", Query(f"sum({own('noveto_cases_open')})")),
            stat("逾期", "overdue limits", Query(f"sum({own('noveto_limits_overdue')})"), red_from=1),
            stat(
                "四小时内到期",
                "due within four hours",
                Query(f"sum({DUE_SOON})"),
            ),
            stat("待送达答复", "replies to deliver", Query(own("noveto_replies_undelivered"))),
            stat("待答复督办", "instructions to answer", Query(own("noveto_instructions_unanswered")), red_from=1),
            stat("待答复征询", "consultations to answer", Query(own("noveto_consultations_awaited")), red_from=1),
        ),
        row(
            "时限 · limits",
            bars("红牌", "breaches", by("tier, limit", during(own("noveto_deadline_breaches_total"))), red_from=1),
            bars("黄牌", "warnings", by("tier, limit", during(own("noveto_deadline_warnings_total")))),
            lines("将到期（四小时内）", "due within four hours, by limit", by("limit", DUE_SOON)),
            lines(
                "最久逾期",
                "oldest overdue",
                Query(own("noveto_oldest_overdue_seconds"), "{{limit}}"),
                unit="s",
            ),
            bars("按时答复", "answers in time", by("result", during(own("noveto_answers_total")))),
            stat(
                "法定期限将满、视为受理",
                "statutory notices near, deemed accepted",
                Query(during(own("noveto_statutory_notices_near_total")), "将满 near"),
                Query(during(own("noveto_deemed_accepted_total")), "视为受理 deemed"),
                red_from=1,
            ),
        ),
        row(
            "事项 · cases",
            lines("在办（按环节）", "open by stage", by("stage", own("noveto_cases_open"))),
            bars("否决情形", "refusals by situation", by("situation", during(own("noveto_refusals_received_total")))),
            bars("办理结果", "outcomes", by("outcome", during(own("noveto_case_outcomes_total")))),
            bars("审核意见", "reviewers' opinions", by("opinion", during(own("noveto_reviewer_opinions_total")))),
            bars(
                "各环节用时 p90（工作时间）",
                "time at each tier, p90",
                Query(quantile(0.9, during(own("noveto_time_at_tier_working_seconds_bucket")), "tier"), "{{tier}}"),
                unit="s",
            ),
            bars("上报方式", "escalations", by("tier, how", during(own("noveto_escalations_total")))),
            bars("退回补充", "cases returned", by("tier", during(own("noveto_cases_returned_total")))),
            bars("阶段性答复", "interim answers", by("tier", during(own("noveto_interim_answers_total")))),
            bars("送达", "deliveries", by("channel", during(own("noveto_deliveries_total")))),
        ),
        row(
            "监督 · supervision",
            stat("漏报", "unfiled refusals", Query(during(own("noveto_unfiled_refusals_total"))), red_from=1),
            stat("迟报", "late filings", Query(during(own("noveto_late_filings_total"))), red_from=1),
            stat("无人处理提醒", "nobody acts", Query(during(own("noveto_supervision_notices_total"))), red_from=1),
            stat("待补材料", "supplements to come", Query(own("noveto_supplements_awaited"))),
            stat("补正逾期", "supplements overdue", Query(during(own("noveto_supplements_overdue_total"))), red_from=1),
            stat("暂定时限", "provisional limits", Query(own("noveto_limits_provisional"))),
        ),
    ),
)
