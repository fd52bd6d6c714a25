"""Progress displays."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn


@contextmanager
def progress_display(sweeps: int, visits: int, shown: bool) -> Iterator[Callable[[int, str], None]]:
    """Show one bar for a run.

    Parameters
    ----------
    sweeps : int
        Number of sweeps.
    visits : int
        Visits per sweep.
    shown : bool
        Whether to show anything.

    Yields
    ------
    callable
        To be called with sweep (from 0) and column before each visit.
    """
    with _bar("Imputing", shown) as bar:
        task = bar.add_task("compiling", total=sweeps * visits)
        done = 0

        def before_visit(sweep: int, column: str) -> None:
            nonlocal done
            bar.update(task, completed=done, description=f"sweep {sweep + 1} of {sweeps}, {column}")
            done += 1

        yield before_visit
        bar.update(task, completed=sweeps * visits, description=f"{sweeps} sweeps")


@contextmanager
def counting_display(verb: str, total: int, shown: bool) -> Iterator[Callable[[int], None]]:
    """Show one bar that counts what is done.

    Parameters
    ----------
    verb : str
        What is being done, such as "Analyzing".
    total : int
        How much there is to do.
    shown : bool
        Whether to show anything.

    Yields
    ------
    callable
        To be called with the number that is done.
    """
    with _bar(verb, shown) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)


def _bar(verb: str, shown: bool) -> Progress:
    return Progress(
        TextColumn(verb),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
        disable=not shown,
    )
