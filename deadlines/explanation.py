"""A due time explained line by line, in Chinese for those who are bound by it and in English."""

from .day import Day, DayKind, chinese_weekday, english_weekday
from .derivation import DerivedDay, Role
from .due import DueTime

_FIXED = "《全国年节及纪念日放假办法》"


def explain_in_chinese(due: DueTime) -> list[str]:
    """The explanation in Chinese, a line a day."""
    start = due.start_in_shanghai
    statutory = "；中心自行闭所不延长法定期限" if due.statutory else ""
    opening = {
        "next_calendar_day": f"{due.days} 个工作日，起算当日不计入，自下一日开始计算（民法典第二百零一条），"
        f"不含法定节假日（行政许可法第八十二条）{statutory}",
        "next_working_day": f"{due.days} 个工作日，非工作日提出的视为下一工作日提出，当日不计入（本中心规定）",
        "same_day": "当日答复，于当日下班前；非工作时间提出的，于下一工作日下班前（本中心规定）",
        "named_day": "截至指定日期的下班时间，遇休息日顺延至次一工作日（民法典第二百零三条）",
    }[due.reckoning]
    begun = f"{start:%Y-%m-%d} {chinese_weekday(start)}"
    lines = [f"依据 {due.rule}：{opening}"]
    lines.append(f"指定日期：{begun}" if due.reckoning == "named_day" else f"起算：{begun} {start:%H:%M}")
    lines += [_chinese_line(day) for day in due.derivation]
    end = due.due_in_shanghai
    lines.append(f"到期：{end:%Y-%m-%d} {chinese_weekday(end)} {end:%H:%M}，停止业务活动的时间（民法典第二百零三条）")
    if due.provisional:
        years = "、".join(f"{year}年" for year in unannounced_years(due))
        lines.append(f"暂定：{years}放假安排的通知尚未公布，公布后重新计算")
    lines.append(f"日历版本：{due.calendar_version}；办公时间：{due.hours}")
    return lines


def explain_in_english(due: DueTime) -> list[str]:
    """The explanation in English, a line a day."""
    start = due.start_in_shanghai
    number = f"{due.days} working day{'s' if due.days > 1 else ''}"
    statutory = "; a centre's own closings do not lengthen it" if due.statutory else ""
    opening = {
        "next_calendar_day": f"{number}; the start day does not count, day 1 is the next working day "
        f"(Civil Code art. 201); statutory holidays are out (Administrative Licensing Law art. 82){statutory}",
        "next_working_day": f"{number}; a request on a day off is deemed made on the next working day, "
        "which does not count (the centre's policy)",
        "same_day": "the same day by closing time; asked outside working time, the next working day "
        "(the centre's policy)",
        "named_day": "closing time of the named day, or of the next working day if it is a day off (Civil Code art. 203)",
    }[due.reckoning]
    begun = f"{start:%Y-%m-%d} {english_weekday(start)}"
    lines = [f"Under {due.rule}: {opening}"]
    lines.append(f"Named day: {begun}" if due.reckoning == "named_day" else f"Start: {begun} {start:%H:%M}")
    lines += [_english_line(day) for day in due.derivation]
    end = due.due_in_shanghai
    lines.append(f"Due: {end:%Y-%m-%d} {english_weekday(end)} {end:%H:%M}, closing time (Civil Code art. 203)")
    if due.provisional:
        years = ", ".join(map(str, unannounced_years(due)))
        lines.append(f"Provisional: the holiday notice of {years} is not published yet; worked out again when it is")
    lines.append(f"Calendar version: {due.calendar_version}; opening hours: {due.hours}")
    return lines


def unannounced_years(due: DueTime) -> list[int]:
    """The years the period reaches whose holidays are not announced."""
    reached = due.derivation[1:] if due.reckoning == "next_calendar_day" else due.derivation
    return sorted({derived.day.date.year for derived in reached if not derived.day.certain})


def reason_in_chinese(derived: DerivedDay) -> str:
    """Why a day counts or does not, in Chinese."""
    why = kind_in_chinese(derived.day)
    match derived.role:
        case Role.START:
            return f"起算当日不计入（{why}）"
        case Role.DEEMED_START:
            return f"视为当日提出，不计入（{why}）"
        case Role.AFTER_CLOSING:
            return f"已过下班时间（{why}）"
        case Role.LAST:
            return f"期限最后一日（{why}）"
        case Role.SKIPPED | Role.COUNTED:
            return why


def reason_in_english(derived: DerivedDay) -> str:
    """Why a day counts or does not, in English."""
    why = kind_in_english(derived.day)
    match derived.role:
        case Role.START:
            return f"the start day does not count ({why})"
        case Role.DEEMED_START:
            return f"deemed made on this day, which does not count ({why})"
        case Role.AFTER_CLOSING:
            return f"after closing time ({why})"
        case Role.LAST:
            return f"the last day ({why})"
        case Role.SKIPPED | Role.COUNTED:
            return why


def _chinese_line(derived: DerivedDay) -> str:
    day = derived.day.date
    mark = f"第 {derived.number} 日" if derived.number else "到期日" if derived.role is Role.LAST else "不计"
    return f"  {day} {chinese_weekday(day)}  {mark}  {reason_in_chinese(derived)}"


def _english_line(derived: DerivedDay) -> str:
    day = derived.day.date
    mark = f"day {derived.number}" if derived.number else "due day" if derived.role is Role.LAST else "not counted"
    return f"  {day} {english_weekday(day)}  {mark}  {reason_in_english(derived)}"


def kind_in_chinese(day: Day) -> str:
    """What kind of day it is and who says so, in Chinese."""
    tentative = "" if day.certain else "，当年通知未公布，暂定"
    match day.kind:
        case DayKind.WORKDAY:
            return f"工作日{tentative}"
        case DayKind.MAKEUP_WORKDAY:
            return f"{day.name}调休上班，{day.notice}"
        case DayKind.WEEKEND:
            return f"周末{tentative}"
        case DayKind.HOLIDAY:
            return f"{day.name}放假，{day.notice}"
        case DayKind.FIXED_HOLIDAY:
            return f"{day.name}，固定日期的法定节假日，{_FIXED}{tentative}"
        case DayKind.CLOSED:
            return f"本中心闭所：{day.name}{tentative}"


def kind_in_english(day: Day) -> str:
    """What kind of day it is and who says so, in English."""
    tentative = "" if day.certain else "; provisional, that year's notice is not published"
    match day.kind:
        case DayKind.WORKDAY:
            return f"working day{tentative}"
        case DayKind.MAKEUP_WORKDAY:
            return f"make-up workday for {day.english}, {day.notice}"
        case DayKind.WEEKEND:
            return f"weekend{tentative}"
        case DayKind.HOLIDAY:
            return f"holiday: {day.english}, {day.notice}"
        case DayKind.FIXED_HOLIDAY:
            return f"{day.english}, statutory holiday on a fixed date{tentative}"
        case DayKind.CLOSED:
            return f"closed by the centre: {day.english or day.name}{tentative}"
