"""The Chinese that an applicant, a clerk or a committee reads, whole."""

import pytest

from router import wording
from topics.outbound import ApplicantReply, DeadlineAlert, HeadFiling, TailFiling, TierTask
from topics.parts import LegalBasis
from topics.vocabulary import RequestKind, Situation

from . import world
from .specification import Specification


@pytest.mark.rule("R30")
def test_a_head_filing() -> None:
    """Who, what, why, until when."""
    spec = Specification().when(world.proposed())

    assert spec.sent(HeadFiling)[0].text == (
        "甲局窗口就“企业设立登记”的申请拟作否决（不符合申请条件），由林晓（窗口受理岗）提出，现已启动内部报批，特此报备。"
        "理由：章程未由全体股东签字。报批时限至2026年11月25日17:00。"
    )


@pytest.mark.rule("R08")
def test_the_head_of_an_unfiled_refusal() -> None:
    """Who reported it, and what the applicant says."""
    spec = Specification().when(world.reported())

    assert spec.sent(HeadFiling)[0].text == (
        "据叶秋（综合咨询服务台）反映，甲局窗口就“企业设立登记”的申请已作否决（情形待窗口说明）而未报备，属漏报，"
        "现予立案并启动内部报批，特此报备。反映情况：窗口说不能办，材料退回。"
        "窗口尚需补充：否决情形、否决理由代码、否决理由、窗口认为的法律依据。报批时限至2026年11月25日17:00。"
    )


@pytest.mark.rule("R31")
def test_a_tail_filing() -> None:
    """The result, its ground, who reviewed, and whether in time."""
    spec = Specification().refused()

    assert spec.sent(TailFiling)[0].text == (
        "甲局窗口拟否决事项“企业设立登记”已办结：不予受理，由郑远（决定岗）决定。"
        "法律依据：《市场主体登记管理条例》第二十条。理由：章程须由全体股东签字。文书文号：榕甲不受〔2026〕1号。"
        "审核意见：维持窗口意见（陈宁（审核岗））。在时限内办结。"
    )


@pytest.mark.rule("R03")
def test_a_refusal_of_an_application() -> None:
    """Line by line, as the applicant reads it."""
    spec = Specification().refused()

    assert spec.sent(ApplicantReply)[0].text == (
        "您提出的“企业设立登记”申请，经逐级报批，决定不予受理。\n"
        "文书文号：榕甲不受〔2026〕1号\n"
        "法律依据：《市场主体登记管理条例》第二十条\n"
        "理由：章程须由全体股东签字。\n"
        "需要补充或改进的全部内容如下：\n"
        "1．章程：由全体股东签字\n"
        "办事指南：设立登记办事指南\n"
        "如不服本决定，可以自收到本决定之日起六十日内依法申请行政复议，也可以自收到本决定之日起六个月内依法向人民法院提起行政诉讼。\n"
        "首问责任人：叶秋（综合咨询服务台）。如有疑问，可向其询问。"
    )


@pytest.mark.rule("R03")
def test_a_demand_is_not_supported_and_never_accepted() -> None:
    """予以办理 or 不予支持: 受理 is a word for applications."""
    refused = Specification().escalated(request_kind=RequestKind.DEMAND, situation=Situation.GREY_AREA, guidance=None)
    refused.when(world.by_decider(world.refuse(document_number=None, guidance=None), refused.task("decide")))
    accepted = Specification().opened(request_kind=RequestKind.DEMAND).when(world.by_clerk(world.accept()))

    assert "您提出的“企业设立登记”诉求，经逐级报批，决定不予支持。\n" in refused.sent(ApplicantReply)[0].text
    assert "您提出的“企业设立登记”诉求，经研究，予以办理。\n" in accepted.sent(ApplicantReply)[0].text
    for spec in (refused, accepted):
        assert all("受理" not in said.outcome_name for said in spec.sent(TailFiling))


@pytest.mark.rule("R09")
def test_a_withdrawal_to_be_checked() -> None:
    """The reviewer is reminded that nobody is to be talked out of it."""
    spec = Specification().opened().when(world.withdrawn(None))

    assert spec.sent(TierTask)[0].text == (
        "窗口反映申请人要求撤回，但没有可核验的确认：“企业设立登记”（申请，不符合申请条件）。"
        "请向申请人本人核实是否自愿撤回，不得劝退。窗口所述原因：申请人另行申请。"
    )


@pytest.mark.rule("R27")
def test_a_card() -> None:
    """Which limit, until when, who holds the case since when."""
    spec = Specification().escalated(request_kind=RequestKind.DEMAND).clock(world.shanghai("2026-11-25T16:00"))

    assert spec.sent(DeadlineAlert)[0].text == (
        "黄牌：甲局“企业设立登记”的报批时限即将到期，时限为2026年11月25日17:00，现由审批决定人员办理（自2026年11月24日10:02起）。"
    )


def test_what_people_type_is_put_between_marks() -> None:
    """A law gets its title marks and a sentence its stop, once each."""
    assert wording.bases((LegalBasis(law="行政许可法", article="第三十二条"),)) == "《行政许可法》第三十二条"
    assert wording.bases((LegalBasis(law="《行政许可法》", article="第三十二条"),)) == "《行政许可法》第三十二条"
    assert "缺章程。" == wording.sentence("缺章程") == wording.sentence("缺章程。")


def test_a_deputy_is_named_as_such() -> None:
    """AB岗 stands beside the name."""
    assert wording.person(world.DEPUTY) == "黄静（审核岗，AB岗代办）"
