"""Due times worked out by hand from the notices, with the calendar of each year on the table, not with the program.

`start` is Asia/Shanghai; `due` is the last day, which ends at 17:00. `notice` is the one the result follows: it is
empty where only weekends are met. One day is the limit of general matters, two that of special ones, five that of the
statutory notice.
"""

from typing import NamedTuple

N2018 = "国办发明电〔2017〕12号"
N2019 = "国办发明电〔2018〕15号"
MAY2019 = "国办发明电〔2019〕3号"
N2020 = "国办发明电〔2019〕16号"
SPRING2020 = "国办发明电〔2020〕1号"
N2021 = "国办发明电〔2020〕27号"
N2022 = "国办发明电〔2021〕11号"
N2023 = "国办发明电〔2022〕16号"
N2024 = "国办发明电〔2023〕7号"
N2025 = "国办发明电〔2024〕12号"
N2026 = "国办发明电〔2025〕7号"


class HandChecked(NamedTuple):
    """A period, and the day it ends."""

    start: str
    days: int
    due: str
    notice: str
    why: str


# fmt: off
FROM_THE_NEXT_CALENDAR_DAY = [
    # 2018
    HandChecked("2018-02-09T10:00", 1, "2018-02-11", N2018, "Friday; Saturday 10 is off, Sunday 11 February is worked"),
    HandChecked("2018-02-09T10:00", 2, "2018-02-12", N2018, "Sunday 11 counts, then Monday 12"),
    HandChecked("2018-02-14T16:59", 1, "2018-02-22", N2018, "15 to 21 February are Spring Festival"),
    HandChecked("2018-02-14T16:59", 2, "2018-02-23", N2018, "Thursday 22, Friday 23"),
    HandChecked("2018-02-14T16:59", 3, "2018-02-24", N2018, "and Saturday 24 is worked"),
    HandChecked("2018-02-23T17:30", 1, "2018-02-24", N2018, "after closing on Friday; Saturday 24 is worked"),
    HandChecked("2018-02-24T09:00", 1, "2018-02-26", N2018, "started on a make-up Saturday; Sunday 25 is off"),
    HandChecked("2018-04-04T09:00", 1, "2018-04-08", N2018, "Qingming 5 to 7 April; Sunday 8 is worked"),
    HandChecked("2018-04-27T11:00", 1, "2018-04-28", N2018, "Saturday 28 April is worked"),
    HandChecked("2018-04-28T11:00", 1, "2018-05-02", N2018, "29 April to 1 May are off"),
    HandChecked("2018-06-15T09:00", 1, "2018-06-19", N2018, "Dragon Boat Monday 18 June joins the weekend"),
    HandChecked("2018-09-28T12:00", 1, "2018-09-29", N2018, "Saturday 29 September is worked"),
    HandChecked("2018-09-28T12:00", 2, "2018-09-30", N2018, "and so is Sunday 30"),
    HandChecked("2018-09-28T12:00", 3, "2018-10-08", N2018, "then the National Day week"),
    # 2019, whose notice also arranged the end of 2018
    HandChecked("2018-12-28T16:00", 1, "2018-12-29", N2019, "Saturday 29 December 2018 is worked by the notice for 2019"),
    HandChecked("2018-12-28T16:00", 2, "2019-01-02", N2019, "30 December to 1 January are off"),
    HandChecked("2019-02-01T09:00", 1, "2019-02-02", N2019, "Saturday 2 February is worked"),
    HandChecked("2019-02-01T09:00", 3, "2019-02-11", N2019, "2 and 3 February, then Monday 11 after the week off"),
    HandChecked("2019-04-04T09:00", 1, "2019-04-08", N2019, "Qingming Friday 5 April joins the weekend"),
    HandChecked("2019-04-26T09:00", 1, "2019-04-28", MAY2019, "Sunday 28 April is worked since the amendment"),
    HandChecked("2019-04-30T09:00", 1, "2019-05-05", MAY2019, "1 to 4 May are off since the amendment; Sunday 5 is worked"),
    HandChecked("2019-04-30T09:00", 2, "2019-05-06", MAY2019, "Sunday 5, Monday 6"),
    HandChecked("2019-09-28T10:00", 1, "2019-09-29", N2019, "a Saturday start; Sunday 29 September is worked"),
    HandChecked("2019-09-30T16:50", 1, "2019-10-08", N2019, "1 to 7 October are off"),
    HandChecked("2019-10-11T09:00", 1, "2019-10-12", N2019, "Saturday 12 October is worked"),
    # 2020, whose Spring Festival was extended
    HandChecked("2019-12-31T10:00", 1, "2020-01-02", N2020, "only 1 January is off"),
    HandChecked("2020-01-17T09:00", 1, "2020-01-19", N2020, "Sunday 19 January is worked under the first notice"),
    HandChecked("2020-01-23T15:00", 1, "2020-02-03", SPRING2020, "extended to 2 February"),
    HandChecked("2020-01-23T15:00", 2, "2020-02-04", SPRING2020, "Saturday 1 February, to be worked before, is off"),
    HandChecked("2020-01-31T09:00", 1, "2020-02-03", SPRING2020, "started within the extension"),
    HandChecked("2020-04-30T09:00", 1, "2020-05-06", N2020, "1 to 5 May are off"),
    HandChecked("2020-04-30T09:00", 4, "2020-05-09", N2020, "6, 7, 8 and Saturday 9 May"),
    HandChecked("2020-06-24T09:00", 1, "2020-06-28", N2020, "25 to 27 June are off; Sunday 28 is worked"),
    HandChecked("2020-09-30T09:00", 1, "2020-10-09", N2020, "National Day and Mid-Autumn: 1 to 8 October"),
    HandChecked("2020-09-30T09:00", 2, "2020-10-10", N2020, "Friday 9, Saturday 10"),
    # 2021
    HandChecked("2020-12-31T09:00", 1, "2021-01-04", N2021, "1 to 3 January are off"),
    HandChecked("2021-02-05T09:00", 1, "2021-02-07", N2021, "Sunday 7 February is worked"),
    HandChecked("2021-02-10T16:59", 1, "2021-02-18", N2021, "11 to 17 February are off"),
    HandChecked("2021-02-18T09:00", 2, "2021-02-20", N2021, "Friday 19, Saturday 20"),
    HandChecked("2021-04-02T09:00", 1, "2021-04-06", N2021, "3 to 5 April are off"),
    HandChecked("2021-09-17T09:00", 1, "2021-09-18", N2021, "Saturday 18 September is worked"),
    HandChecked("2021-09-18T09:00", 1, "2021-09-22", N2021, "Mid-Autumn 19 to 21 September"),
    HandChecked("2021-09-24T09:00", 1, "2021-09-26", N2021, "Saturday 25 is off, Sunday 26 is worked"),
    HandChecked("2021-10-08T09:00", 1, "2021-10-09", N2021, "Saturday 9 October is worked"),
    # 2022
    HandChecked("2021-12-31T09:00", 1, "2022-01-04", N2022, "1 to 3 January are off"),
    HandChecked("2022-01-28T09:00", 2, "2022-01-30", N2022, "Saturday 29 and Sunday 30 January are worked"),
    HandChecked("2022-01-28T09:00", 3, "2022-02-07", N2022, "then Spring Festival to 6 February"),
    HandChecked("2022-04-29T09:00", 1, "2022-05-05", N2022, "30 April to 4 May are off"),
    HandChecked("2022-05-06T09:00", 1, "2022-05-07", N2022, "Saturday 7 May is worked"),
    HandChecked("2022-09-30T09:00", 1, "2022-10-08", N2022, "Saturday 8 October is worked"),
    HandChecked("2022-09-30T09:00", 2, "2022-10-09", N2022, "and so is Sunday 9"),
    # 2023
    HandChecked("2022-12-30T09:00", 1, "2023-01-03", N2023, "31 December to 2 January are off"),
    HandChecked("2023-01-20T09:00", 1, "2023-01-28", N2023, "21 to 27 January are off; Saturday 28 is worked"),
    HandChecked("2023-01-20T09:00", 3, "2023-01-30", N2023, "28, 29 and Monday 30 January"),
    HandChecked("2023-04-28T09:00", 1, "2023-05-04", N2023, "29 April to 3 May are off"),
    HandChecked("2023-06-21T09:00", 1, "2023-06-25", N2023, "22 to 24 June are off; Sunday 25 is worked"),
    HandChecked("2023-09-28T09:00", 1, "2023-10-07", N2023, "29 September to 6 October are off; Saturday 7 is worked"),
    HandChecked("2023-09-28T09:00", 5, "2023-10-11", N2023, "7, 8, 9, 10, 11 October"),
    # 2024
    HandChecked("2023-12-29T09:00", 1, "2024-01-02", N2024, "the weekend and 1 January"),
    HandChecked("2024-02-02T09:00", 1, "2024-02-04", N2024, "Sunday 4 February is worked"),
    HandChecked("2024-02-08T09:00", 1, "2024-02-09", "", "leave on the eve is encouraged, not given: it is worked"),
    HandChecked("2024-02-09T09:00", 1, "2024-02-18", N2024, "10 to 17 February are off; Sunday 18 is worked"),
    HandChecked("2024-04-03T09:00", 1, "2024-04-07", N2024, "4 to 6 April are off; Sunday 7 is worked"),
    HandChecked("2024-05-10T09:00", 1, "2024-05-11", N2024, "Saturday 11 May is worked"),
    HandChecked("2024-09-13T09:00", 1, "2024-09-14", N2024, "Saturday 14 September is worked"),
    HandChecked("2024-09-30T09:00", 5, "2024-10-12", N2024, "8, 9, 10, 11 and Saturday 12 October"),
    # 2025
    HandChecked("2024-12-31T09:00", 1, "2025-01-02", N2025, "only 1 January is off"),
    HandChecked("2025-01-24T09:00", 1, "2025-01-26", N2025, "Sunday 26 January is worked"),
    HandChecked("2025-01-27T16:50", 1, "2025-02-05", N2025, "28 January to 4 February are off"),
    HandChecked("2025-02-07T17:30", 1, "2025-02-08", N2025, "after closing on Friday; Saturday 8 is worked"),
    HandChecked("2025-04-25T09:00", 1, "2025-04-27", N2025, "Sunday 27 April is worked"),
    HandChecked("2025-04-30T09:00", 1, "2025-05-06", N2025, "1 to 5 May are off"),
    HandChecked("2025-05-30T09:00", 1, "2025-06-03", N2025, "31 May to 2 June are off"),
    HandChecked("2025-09-30T09:00", 3, "2025-10-11", N2025, "9, 10 and Saturday 11 October"),
    HandChecked("2025-10-05T09:00", 1, "2025-10-09", N2025, "started within the holiday of 1 to 8 October"),
    # 2026
    HandChecked("2025-12-31T09:00", 1, "2026-01-04", N2026, "1 to 3 January are off; Sunday 4 is worked"),
    HandChecked("2026-01-02T09:00", 2, "2026-01-05", N2026, "Sunday 4, Monday 5"),
    HandChecked("2026-02-13T09:00", 1, "2026-02-14", N2026, "Saturday 14 February is worked"),
    HandChecked("2026-02-13T09:00", 2, "2026-02-24", N2026, "15 to 23 February are off"),
    HandChecked("2026-02-13T09:00", 5, "2026-02-27", N2026, "14, 24, 25, 26, 27 February"),
    HandChecked("2026-02-13T09:00", 6, "2026-02-28", N2026, "and Saturday 28 is worked"),
    HandChecked("2026-04-03T09:00", 1, "2026-04-07", N2026, "4 to 6 April are off"),
    HandChecked("2026-05-08T09:00", 1, "2026-05-09", N2026, "Saturday 9 May is worked"),
    HandChecked("2026-09-18T17:30", 1, "2026-09-20", N2026, "Saturday 19 is off, Sunday 20 September is worked"),
    HandChecked("2026-09-24T09:00", 1, "2026-09-28", N2026, "Mid-Autumn 25 to 27 September"),
    HandChecked("2026-09-30T16:50", 1, "2026-10-08", N2026, "1 to 7 October are off"),
    HandChecked("2026-09-30T16:50", 3, "2026-10-10", N2026, "8, 9 and Saturday 10 October"),
    HandChecked("2026-10-10T09:00", 1, "2026-10-12", N2026, "started on a make-up Saturday"),
    HandChecked("2026-11-20T17:30", 1, "2026-11-23", "", "Friday after closing: Monday"),
    HandChecked("2026-11-21T10:00", 1, "2026-11-23", "", "Saturday: Monday, the next working day after that calendar day"),
    HandChecked("2026-11-22T23:59", 1, "2026-11-23", "", "Sunday, a minute to midnight: Monday"),
    HandChecked("2026-11-23T00:00", 1, "2026-11-24", "", "Monday, midnight: Tuesday"),
    HandChecked("2026-12-30T16:00", 1, "2026-12-31", "", "the last working day that is announced"),
]

FROM_THE_NEXT_WORKING_DAY = [
    HandChecked("2020-01-25T10:00", 1, "2020-02-04", SPRING2020, "deemed made on 3 February"),
    HandChecked("2024-02-10T10:00", 1, "2024-02-19", N2024, "deemed made on Sunday 18 February, which is worked"),
    HandChecked("2026-09-19T10:00", 1, "2026-09-21", N2026, "deemed made on Sunday 20 September, which is worked"),
    HandChecked("2026-10-03T10:00", 2, "2026-10-10", N2026, "deemed made on 8 October; 9 and Saturday 10 count"),
    HandChecked("2026-11-20T17:30", 1, "2026-11-23", "", "Friday is a working day, whatever the hour"),
    HandChecked("2026-11-21T10:00", 1, "2026-11-24", "", "Saturday: deemed made on Monday"),
]
# fmt: on
