"""Whom an alert reaches: a unit, its centre's committee, or the operators; made from the directory."""
