"""`python -m deploy.demo`: a working day at a service centre, from nothing, on one machine."""

import asyncio
import signal
from pathlib import Path

import click

from deploy.demo.play import Options, play
from deploy.demo.script import ScriptError
from deploy.local import LocalStackError


@click.command()
@click.option(
    "--cases",
    type=click.IntRange(min=1),
    help="How many cases; the day is repeated as often as it takes. Default: the day once.",
)
@click.option(
    "--exit", "leave", is_flag=True, help="End when the play is over; the last line on stdout is the verdict, as JSON."
)
@click.option(
    "--speed",
    type=click.FloatRange(min=1),
    default=1.0,
    show_default=True,
    help="Virtual time: so many of the router's seconds pass in one, from 09:00 on. 1: real time, as fast as people answer.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, path_type=Path),
    help="Directory for the data, kept and used again. Without it: a temporary one.",
)
@click.option(
    "--secure", is_flag=True, help="With TLS, a password for everybody, and access lists worked out from the directory."
)
def main(cases: int | None, leave: bool, speed: float, data: Path | None, secure: bool) -> None:
    """Play a working day at a service centre on a real broker, a real database and the real router.

    Window software, the systems of the units and the committee are processes of their own: ordinary Kafka clients that
    know the router's topics and nothing else. With --exit the command ends with 0 only if every case ended with exactly
    one head and one tail filing, counted on the committee's topic.
    """
    try:
        good = asyncio.run(_until_told_to_stop(Options(cases, leave, speed, data, secure)))
    except (LocalStackError, ScriptError) as error:
        raise click.ClickException(str(error)) from error
    except (KeyboardInterrupt, asyncio.CancelledError):
        click.echo("stopped", err=True)
        raise SystemExit(130 if leave else 0) from None
    raise SystemExit(0 if good else 1)


async def _until_told_to_stop(options: Options) -> bool:
    """The play, stopped in order by SIGTERM and SIGHUP as by Ctrl-C."""
    playing = asyncio.ensure_future(play(options))
    for number in (signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, playing.cancel)
    return await playing


if __name__ == "__main__":
    main()
