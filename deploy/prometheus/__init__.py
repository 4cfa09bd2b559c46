"""How the router is watched: scrape configuration, rules, and the rules' own tests."""

from pathlib import Path

FOLDER = Path(__file__).parent
RULES = sorted((FOLDER / "rules").glob("*.yml"))
