"""The display of a run: what it says, how often, and that it lets go of the terminal."""

import io
import time
from contextlib import nullcontext

import pytest
import rich.jupyter
from rich.console import Console

from bayesmice import progress
from bayesmice.progress import run_display

HIDE_CURSOR, SHOW_CURSOR = "\x1b[?25l", "\x1b[?25h"


class Clock:
    """Stands still until it is told to go on."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Shown(io.StringIO):
    """What a console has written."""

    @property
    def lines(self) -> list[str]:
        return self.getvalue().splitlines()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shown() -> Shown:
    return Shown()


@pytest.fixture
def plain(shown) -> Console:
    return Console(file=shown, force_terminal=False, width=40)


@pytest.fixture
def terminal(shown) -> Console:
    return Console(file=shown, force_terminal=True, width=100, _environ={"TERM": "xterm"})


def run(display, clock, sweeps, seconds, targets=("bmi",), r_hats=None, first=0) -> None:
    """Sweeps that take so many seconds, divided between their visits."""
    for sweep in range(first, first + sweeps):
        for target in targets:
            display.visiting(sweep, target)
            clock.now += seconds / len(targets)
        display.finished(sweep + 1, None if r_hats is None else r_hats[sweep - first])


def test_plain_lines_come_every_five_seconds_and_at_the_end(clock, shown, plain) -> None:
    """A sweep takes 0.08 s, and 62.5 of them take 5 s."""
    r_hats = [1 + 1 / (sweep + 1) for sweep in range(200)]
    with run_display(200, True, console=plain, clock=clock) as display:
        run(display, clock, 200, 0.08, r_hats=r_hats)
    assert shown.lines == [
        "sweep 63 of 200, 12.5 sweeps/s, 11 s left, worst R-hat 1.02",
        "sweep 126 of 200, 12.5 sweeps/s, 5.9 s left, worst R-hat 1.01",
        "sweep 189 of 200, 12.5 sweeps/s, 0.9 s left, worst R-hat 1.01",
        "200 sweeps in 16 s, worst R-hat 1.00",
    ]


def test_a_line_in_the_middle_of_a_sweep_names_the_target(clock, shown, plain) -> None:
    with run_display(3, True, console=plain, clock=clock) as display:
        run(display, clock, 3, 12.0, targets=("bmi", "chl"), r_hats=[None, None, 1.31])
    assert shown.lines == [
        "sweep 1 of 3, chl",
        "sweep 1 of 3",
        "sweep 2 of 3, chl",
        "sweep 2 of 3, 12 s/sweep, 12 s left",
        "sweep 3 of 3, 12 s/sweep, 6.0 s left, chl",
        "3 sweeps in 36 s, worst R-hat 1.31",
    ]


def test_a_tiny_run_leaves_one_plain_line(clock, shown, plain) -> None:
    with run_display(10, True, console=plain, clock=clock) as display:
        run(display, clock, 10, 0.04)
    assert shown.lines == ["10 sweeps in 0.4 s"]


def test_a_worst_r_hat_stays_until_there_is_another(clock, shown, plain) -> None:
    with run_display(4, True, console=plain, clock=clock) as display:
        run(display, clock, 4, 1.0, r_hats=[2.5, 1.5, None, None])
    assert shown.lines == ["4 sweeps in 4.0 s, worst R-hat 1.50"]


def test_the_speed_is_that_of_recent_sweeps(clock, shown, plain) -> None:
    """The first sweep compiles for a minute, and the next 999 are fast."""
    with run_display(2000, True, console=plain, clock=clock) as display:
        run(display, clock, 1, 60.0)
        run(display, clock, 999, 0.01, first=1)
        clock.now += 5.0
        display.visiting(1000, "bmi")
    assert shown.lines[-2:] == [
        "sweep 1001 of 2000, 100 sweeps/s, 5.0 s left, bmi",
        "1000 of 2000 sweeps in 1 min 15 s",
    ]


def test_a_run_without_a_length_says_no_time_left(clock, shown, plain) -> None:
    with run_display(None, True, console=plain, clock=clock) as display:
        run(display, clock, 30, 0.2, r_hats=[1.2] * 30)
    assert shown.lines == [
        "sweep 25, 5.0 sweeps/s, worst R-hat 1.20",
        "30 sweeps in 6.0 s, worst R-hat 1.20",
    ]


@pytest.mark.parametrize(
    ("total", "sweeps", "last"),
    [(30, 20, "20 more sweeps in 2.0 s"), (30, 7, "7 of 20 more sweeps in 0.7 s")],
)
def test_an_extension_counts_what_was_there(total, sweeps, last, clock, shown, plain) -> None:
    with run_display(total, True, done=10, console=plain, clock=clock) as display:
        run(display, clock, sweeps, 0.1, first=10)
    assert shown.lines == [last]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (9.94, "9.9 s"),
        (9.96, "10 s"),
        (59.6, "1 min 0 s"),
        (3599.7, "1 h 0 min"),
        (7500, "2 h 5 min"),
    ],
)
def test_long_times_are_told_in_larger_units(seconds, text, clock, shown, plain) -> None:
    with run_display(1, True, console=plain, clock=clock) as display:
        run(display, clock, 1, seconds)
    assert shown.lines[-1] == f"1 sweep in {text}"


def test_names_that_look_like_markup_are_shown_as_they_are(clock, shown, plain) -> None:
    with run_display(1, True, console=plain, clock=clock) as display:
        clock.now += 5.0
        display.visiting(0, "[red]bmi[/red] of :smiley: " + 60 * "x")
    assert shown.lines[0] == "sweep 1 of 1, [red]bmi[/red] of :smiley: " + 60 * "x"


def test_nothing_is_shown_where_nothing_was_asked_for(clock, capsys) -> None:
    with run_display(2, False, clock=clock) as display:
        run(display, clock, 2, 60.0)
    assert capsys.readouterr() == ("", "")


def test_without_a_terminal_the_lines_go_to_standard_output(clock, capsys) -> None:
    with run_display(2, True, clock=clock) as display:
        run(display, clock, 2, 1.0)
    assert capsys.readouterr() == ("2 sweeps in 2.0 s\n", "")


def fail_in_the_fifth_sweep(error, console, clock) -> None:
    with run_display(9, True, console=console, clock=clock) as display:
        run(display, clock, 4, 1.0)
        display.visiting(4, "bmi")
        raise error


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_passes_through_after_a_last_line(error, clock, shown, plain) -> None:
    with pytest.raises(error):
        fail_in_the_fifth_sweep(error, plain, clock)
    assert shown.lines == ["4 of 9 sweeps in 4.0 s"]


def wait_for(text, shown) -> None:
    """Until the thread of rich has drawn it; a minute is for machines that stand still."""
    deadline = time.monotonic() + 60
    while text not in shown.getvalue():
        assert time.monotonic() < deadline, shown.getvalue()
        time.sleep(0.01)


def test_a_terminal_shows_the_run_while_it_goes(clock, shown, terminal) -> None:
    with run_display(40, True, console=terminal, clock=clock) as display:
        run(display, clock, 20, 0.5, r_hats=[1.104] * 20)
        display.visiting(20, "[red]bmi")
        wait_for("sweep 21 of 40, 2.0 sweeps/s, 10 s left, worst R-hat 1.10, [red]bmi", shown)
        run(display, clock, 20, 0.5, r_hats=[1.014] * 20, first=20)
    assert "40 sweeps in 20 s, worst R-hat 1.01" in shown.lines[-2]


def test_a_name_that_is_too_long_is_cut(clock, shown, terminal) -> None:
    with run_display(40, True, console=terminal, clock=clock) as display:
        display.visiting(0, 200 * "x")
        wait_for("xxx…", shown)
    assert max(map(len, shown.getvalue().replace("\r", "\n").splitlines())) < 200


def test_a_terminal_is_drawn_seldom(clock, shown, terminal) -> None:
    """A hundred thousand visits take half a second; each drawing erases the line once."""
    with run_display(None, True, console=terminal, clock=clock) as display:
        run(display, clock, 20_000, 0.01, targets="abcde")
    assert shown.getvalue().count("\x1b[2K") < 2_000


@pytest.mark.parametrize("error", [KeyboardInterrupt, ValueError])
def test_an_error_gives_the_terminal_back(error, clock, shown, terminal) -> None:
    with pytest.raises(error):
        fail_in_the_fifth_sweep(error, terminal, clock)
    text = shown.getvalue()
    assert text.count(HIDE_CURSOR) == text.count(SHOW_CURSOR) == 1
    assert text.rindex("4 of 9 sweeps in 4.0 s") < text.index(SHOW_CURSOR)


def test_a_terminal_that_cannot_redraw_gets_plain_lines(clock, shown) -> None:
    dumb = Console(file=shown, force_terminal=True, _environ={"TERM": "dumb"})
    with run_display(2, True, console=dumb, clock=clock) as display:
        run(display, clock, 2, 1.0)
    assert shown.lines == ["2 sweeps in 2.0 s"]


@pytest.fixture
def cells(monkeypatch) -> list[str]:
    """What a notebook was asked to show, as text."""
    shown: list[str] = []
    monkeypatch.setattr(rich.jupyter, "display", lambda segments, text: shown.append(text))
    return shown


def test_a_notebook_without_widgets_gets_plain_lines(clock, cells, monkeypatch) -> None:
    """Rich would warn, and warnings are errors here."""
    monkeypatch.setattr(progress, "find_spec", lambda name: None)
    notebook = Console(force_jupyter=True)
    with run_display(2, True, console=notebook, clock=clock) as display:
        run(display, clock, 2, 5.0)
    assert [cell.strip() for cell in cells] == [
        "sweep 1 of 2",
        "2 sweeps in 10 s",
    ]


def test_a_notebook_with_widgets_gets_the_display_of_rich(clock, monkeypatch) -> None:
    """As rich says itself where the widgets are only said to be there."""
    monkeypatch.setattr(progress, "find_spec", lambda name: object())
    notebook = Console(force_jupyter=True)
    with (
        pytest.warns(UserWarning, match='install "ipywidgets" for Jupyter support'),
        run_display(2, True, console=notebook, clock=clock),
    ):
        pass


@pytest.mark.parametrize("widgets", [False, True])
def test_a_counting_bar_is_shown_in_a_notebook_that_can_draw_it_again(monkeypatch, widgets) -> None:
    """Rich would warn in any other, and warnings are errors here."""
    monkeypatch.setattr(progress, "find_spec", lambda name: object() if widgets else None)
    monkeypatch.setattr(progress, "get_console", lambda: Console(force_jupyter=True))
    warned = pytest.warns(UserWarning, match="ipywidgets") if widgets else nullcontext()
    with warned, progress.counting_display("Drawing", 2, True) as count:
        count(1)
