"""A Kafka broker and a PostgreSQL server for one machine, from pip packages only: for the demo, tests and benchmarks."""

from deploy.local.errors import LocalStackError
from deploy.local.stack import LocalStack

__all__ = ["LocalStack", "LocalStackError"]
