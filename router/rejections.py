"""Why a command changes nothing: every reason by its code, with the Chinese a sender's user reads."""

from typing import Any

from topics.events import Rejection
from topics.fields import trusted

REASONS: dict[str, str] = {
    "beyond_power": "该岗位无权作出此项处理",
    "same_person": "提出、审核与决定须由不同人员承担",
    "unknown_case": "未找到该事项，请稍后重发",
    "already_open": "该事项编号已存在",
    "task_closed": "该任务已办结或已失效",
    "task_required": "请注明所答复的任务编号",
    "not_at_this_tier": "事项目前不在该环节",
    "case_closed": "该事项已办结",
    "legal_basis_missing": "作出不予受理（不予支持）决定须写明法律依据",
    "explanation_missing": "作出不予受理（不予支持）决定须说明理由",
    "in_person_missing": "须写明是否由负责人当面答复及答复人",
    "explainer_missing": "该答复须由负责人当面解释，请写明解释人",
    "document_number_missing": "不予受理决定须有书面文书文号",
    "situation_stated": "否决情形已写明，退回窗口时方可更改",
    "situation_missing": "须先由窗口写明否决情形",
    "guidance_missing": "须向申请人告知承办单位、办理方法和路径，或者一次性告知全部补正内容",
    "reviewer_opinion_missing": "作出否决前须有后台审核人员（或其AB岗）意见",
    "departure_unexplained": "与同类事项既往结果不一致，须说明理由",
    "not_on_list": "所缺材料不在该事项容缺清单内",
    "date_passed": "所定日期已过",
    "confirmation_missing": "须有申请人可核验的确认",
    "grey_area": "模糊地带、空白领域事项须报本单位研究确定，不得以告知引导办结",
    "ground_missing": "须写明重大疑难事项的理由（专业性研究或专家论证）及承诺日期",
    "class_unchanged": "事项类别未变化",
    "unknown_department": "被征询部门不在名录内",
    "already_asked": "该部门已被征询",
    "unknown_request": "未找到该征询",
    "request_over": "事项已办结，征询意见不再变更",
    "handed_over_once": "征询只能转交一次",
    "unknown_referral": "未找到该报请事项",
    "no_government": "名录中没有该地区的本级政府接入方",
    "at_government": "事项已报本级政府研究，答复前只能予以受理（办理）",
    "unknown_instruction": "未找到该督办事项",
    "instruction_answered": "该督办事项已答复",
    "unknown_reply": "未找到该答复",
    "already_delivered": "该答复已确认送达",
    "nothing_to_supply": "目前没有需要窗口补充的内容",
    "no_supplements_due": "该事项没有待补材料",
    "withdrawal_not_asked": "窗口未提出撤回",
    "implausible_time": "申请时间不合理",
    "unknown_unit": "该单位不在名录内，或未进驻任何中心",
    "party_may_not": "该接入方无权代表该单位、环节或中心",
    "same_id_other_content": "同一编号的报文内容不一致",
    "not_json": "报文不是有效的JSON",
    "not_an_object": "报文不是JSON对象",
    "empty_value": "报文内容为空",
    "unknown_type": "报文类型未知或不应在此主题发送",
    "missing_attribute": "缺少CloudEvents属性",
    "bad_field": "字段缺失或不符合要求",
    "key_not_case": "报文键与事项编号不一致",
    "quarantine_released": "该事项处理异常后已由运维人员恢复，请重新发送",
    "too_large": "处理结果超过报文上限",
}


def reject(code: str, message: str, *, where: str | None = None, retryable: bool = False, **details: Any) -> Rejection:
    """A rejection: `message` tells the sender's engineer what to do, the code's Chinese tells their user."""
    if code not in REASONS:
        raise KeyError(code)
    return trusted(Rejection, code=code, message=message, where=where, retryable=retryable, details=details or None)
