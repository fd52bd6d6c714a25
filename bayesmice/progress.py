"""Progress displays."""

import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import Protocol

from rich import get_console
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

REDRAWS_PER_SECOND = 4
SECONDS_BETWEEN_LINES = 5.0
RECENT_SWEEPS = 100
"""The speed is that of so many sweeps, since the first ones compile and tune."""
BAR_WIDTH = 12

Clock = Callable[[], float]


class RunDisplay(Protocol):
    """Is told how far a run has come."""

    def visiting(self, sweep: int, target: str) -> None:
        """Take note of a visit before it begins.

        Parameters
        ----------
        sweep : int
            Counted from 0, over the whole run.
        target : str
            The column, or the block.
        """

    def finished(self, sweeps_done: int, worst_r_hat: float | None) -> None:
        """Take note of a sweep that has ended.

        Parameters
        ----------
        sweeps_done : int
            Sweeps of the whole run so far, those before an extension included.
        worst_r_hat : float or None
            The largest R-hat of the run so far; None where it was not computed, and then the last
            one stays on display.
        """


@contextmanager
def run_display(
    total: int | None,
    shown: bool,
    done: int = 0,
    *,
    console: Console | None = None,
    clock: Clock = time.monotonic,
) -> Iterator[RunDisplay]:
    """Show how far a run has come, how fast it goes and how well its chains mix.

    In a terminal, and in a notebook that has ipywidgets, one line is drawn again a few times a
    second. Elsewhere, such as in a log file, there are plain lines, one in five seconds at most.
    Either way a last line says what was done, also where an error or an interrupt ends the run.

    Parameters
    ----------
    total : int or None
        Sweeps of the whole run; None where a rule decides when to stop.
    shown : bool
        Whether to show anything.
    done : int, default 0
        Sweeps that were there before, where a run is extended. They count in ``total``.
    console : Console, optional
        Where to show it; by default the console of rich.
    clock : callable, optional
        Gives the time in seconds.

    Yields
    ------
    RunDisplay
        To be told of every visit and every sweep.

    Examples
    --------
    >>> with run_display(total=2, shown=False) as display:
    ...     for sweep in range(2):
    ...         display.visiting(sweep, "bmi")
    ...         display.finished(sweep + 1, worst_r_hat=None)
    """
    if not shown:
        yield _Nothing()
        return
    console = get_console() if console is None else console
    pace = _Pace(total, done, clock)
    display = _Line(pace, console) if _can_redraw(console) else _Log(pace, console)
    display.open()
    try:
        yield display
    finally:
        pace.close()
        display.close()


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
        Whether to show anything. A notebook without ipywidgets shows nothing.

    Yields
    ------
    callable
        To be called with the number that is done.
    """
    with _bar(verb, shown) as bar:
        task = bar.add_task("", total=total)
        yield lambda done: bar.update(task, completed=done)


def _bar(verb: str, shown: bool) -> Progress:
    console = get_console()
    return Progress(
        TextColumn(verb),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.description}"),
        TimeRemainingColumn(),
        disable=not shown or (console.is_jupyter and not _can_redraw(console)),
        console=console,
    )


def _can_redraw(console: Console) -> bool:
    """Whether a display can change what it has shown; rich warns in a notebook that cannot."""
    if console.is_jupyter:
        return all(find_spec(package) is not None for package in ("IPython", "ipywidgets"))
    return console.is_terminal and not console.is_dumb_terminal


class _Nothing:
    """A display that shows nothing."""

    def visiting(self, sweep: int, target: str) -> None:
        pass

    def finished(self, sweeps_done: int, worst_r_hat: float | None) -> None:
        pass


class _Pace:
    """How far a run has come, and how fast."""

    def __init__(self, total: int | None, done: int, clock: Clock) -> None:
        self.total = total
        self.done = done
        self.clock = clock
        self._before = done
        self._started = clock()
        self._ended: float | None = None
        self._ends: deque[float] = deque(maxlen=RECENT_SWEEPS + 1)
        self._sweep = done
        self._target: str | None = None
        self._worst_r_hat: float | None = None

    def visit(self, sweep: int, target: str) -> None:
        self._sweep, self._target = sweep + 1, target

    def finish(self, sweeps_done: int, worst_r_hat: float | None) -> None:
        self.done = self._sweep = sweeps_done
        self._target = None
        self._ends.append(self.clock())
        if worst_r_hat is not None:
            self._worst_r_hat = worst_r_hat

    def close(self) -> None:
        self._ended = self.clock()

    def text(self) -> str:
        """Say where the run is; after its end, what was done."""
        facts = [*self._now(), self._mixing(), self._target]
        if self._ended is not None:
            facts = [self._closing(self._ended), self._mixing()]
        return ", ".join(fact for fact in facts if fact)

    def _now(self) -> list[str]:
        of_total = "" if self.total is None else f" of {self.total}"
        facts = [f"sweep {self._sweep}{of_total}"]
        seconds = self._seconds_per_sweep()
        if seconds:
            facts.append(_speed(seconds))
            if self.total is not None:
                left = (self.total - self.done) * seconds - (self.clock() - self._ends[-1])
                facts.append(f"{_duration(max(left, 0.0))} left")
        return facts

    def _closing(self, ended: float) -> str:
        done = self.done - self._before
        planned = done if self.total is None else self.total - self._before
        count = f"{done}" if done >= planned else f"{done} of {planned}"
        more = " more" if self._before else ""
        noun = "sweep" if planned == 1 else "sweeps"
        return f"{count}{more} {noun} in {_duration(ended - self._started)}"

    def _mixing(self) -> str | None:
        return None if self._worst_r_hat is None else f"worst R-hat {self._worst_r_hat:.2f}"

    def _seconds_per_sweep(self) -> float | None:
        if len(self._ends) < 2:
            return None
        return (self._ends[-1] - self._ends[0]) / (len(self._ends) - 1)


class _Line:
    """One line, drawn again and again by a thread of rich."""

    def __init__(self, pace: _Pace, console: Console) -> None:
        self._pace = pace
        self._progress = Progress(
            BarColumn(bar_width=BAR_WIDTH),
            _PaceColumn(pace),
            console=console,
            refresh_per_second=REDRAWS_PER_SECOND,
            get_time=pace.clock,
        )
        self._task = self._progress.add_task("", total=pace.total, completed=pace.done)

    def open(self) -> None:
        self._progress.start()

    def visiting(self, sweep: int, target: str) -> None:
        self._pace.visit(sweep, target)

    def finished(self, sweeps_done: int, worst_r_hat: float | None) -> None:
        self._pace.finish(sweeps_done, worst_r_hat)
        self._progress.update(self._task, completed=sweeps_done)

    def close(self) -> None:
        if self._pace.total is None:
            self._progress.update(self._task, total=self._pace.done)
        self._progress.refresh()  # in a notebook stop() does not
        self._progress.stop()


class _PaceColumn(ProgressColumn):
    """The text beside the bar; where the line is too short, the target's name is cut."""

    def __init__(self, pace: _Pace) -> None:
        super().__init__(Column(no_wrap=True, overflow="ellipsis"))
        self._pace = pace

    def render(self, task: Task) -> Text:
        return Text(self._pace.text(), no_wrap=True, overflow="ellipsis")


class _Log:
    """Plain lines, for files and for notebooks that cannot redraw."""

    def __init__(self, pace: _Pace, console: Console) -> None:
        self._pace = pace
        self._console = console
        self._last = pace.clock()

    def open(self) -> None:
        self._last = self._pace.clock()

    def visiting(self, sweep: int, target: str) -> None:
        self._pace.visit(sweep, target)
        self._write_if_due()

    def finished(self, sweeps_done: int, worst_r_hat: float | None) -> None:
        self._pace.finish(sweeps_done, worst_r_hat)
        if sweeps_done != self._pace.total:
            self._write_if_due()

    def close(self) -> None:
        self._write()

    def _write_if_due(self) -> None:
        now = self._pace.clock()
        if now - self._last >= SECONDS_BETWEEN_LINES:
            self._last = now
            self._write()

    def _write(self) -> None:
        self._console.print(Text(self._pace.text()), soft_wrap=True)


def _speed(seconds_per_sweep: float) -> str:
    if seconds_per_sweep > 1:
        return f"{_duration(seconds_per_sweep)}/sweep"
    speed = 1 / seconds_per_sweep
    return f"{speed:.1f} sweeps/s" if speed < 100 else f"{speed:.0f} sweeps/s"


def _duration(seconds: float) -> str:
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes == 0:
        return f"{rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{minutes} min {rest} s" if hours == 0 else f"{hours} h {minutes} min"
