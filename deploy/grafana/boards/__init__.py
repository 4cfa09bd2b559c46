"""The dashboards: for the committee, for operators, for one unit. Chinese first, for who reads them."""

from deploy.grafana.boards.committee import COMMITTEE
from deploy.grafana.boards.operator import OPERATOR
from deploy.grafana.boards.unit import UNIT
from deploy.grafana.panels import Board

BOARDS: tuple[Board, ...] = (COMMITTEE, OPERATOR, UNIT)
