"""`python -m consumers.cli`: the same as `noveto`."""

from consumers.cli.main import main

main()
