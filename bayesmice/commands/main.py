"""Reads the command line, and turns errors into one line and an exit code."""

import argparse
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import version

from rich import get_console

from bayesmice.commands import complete, impute, pattern, report
from bayesmice.commands.failures import CommandError
from bayesmice.errors import BayesMiceError

FAILED, INTERRUPTED = 1, 130
EPILOG = """examples:
  bayesmice pattern patients.csv
  bayesmice impute patients.csv -m 20 -o run.nc
  bayesmice report run.nc
  bayesmice complete run.nc -o completed/

exit codes: 0 done, 1 the data, a model or a file are at fault, 2 the command line is
"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Parameters
    ----------
    arguments : sequence of str, optional
        What stands after ``bayesmice``; by default that of the process.

    Returns
    -------
    int
        0, or 1 where data, models or files are at fault: one line on stderr then says what. Ctrl-C
        gives 130.

    Raises
    ------
    SystemExit
        With 0 for ``--help``, with 2 where the command line itself is at fault.
    """
    parsed = _parser().parse_args(arguments)
    try:
        with _apart_from_output():
            parsed.run(parsed)
    except (BayesMiceError, CommandError, OSError) as error:
        _tell(f"error: {_one_line(error)}")
        return FAILED
    except KeyboardInterrupt:
        _tell("error: interrupted.")
        return INTERRUPTED
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="bayesmice",
        description="Multiple imputation in which every conditional model is a PyMC model.",
        epilog=EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"bayesmice {version('bayesmice')}")
    commands = parser.add_subparsers(required=True, metavar="command", title="commands")
    for command in (pattern, impute, report, complete):
        command.add_command(commands)
    return parser


@contextmanager
def _apart_from_output() -> Iterator[None]:
    """Let progress and warnings go to stderr, so that stdout holds results only."""
    console = get_console()
    before, console.stderr = console.stderr, True
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("default", UserWarning)
            warnings.showwarning = _show_warning
            yield
    finally:
        console.stderr = before


def _show_warning(message: Warning | str, *_: object, **__: object) -> None:
    _tell(f"warning: {_one_line(message)}")


def _tell(text: str) -> None:
    sys.stderr.write(f"bayesmice: {text}\n")


def _one_line(message: object) -> str:
    if isinstance(message, OSError) and message.strerror and message.filename:
        return f"{message.filename}: {message.strerror}."
    return " ".join(str(message).split()) or type(message).__name__
