"""Dashboards as code: for the committee, for operators, for one unit."""
