"""What all pictures share does not outlast them, but for what a notebook needs."""

import matplotlib as mpl
import pytest

from bayesmice.plots.look import shared_style


@pytest.fixture
def not_interactive():
    before = mpl.is_interactive()
    mpl.interactive(False)
    yield
    mpl.interactive(before)


@pytest.mark.usefixtures("not_interactive")
def test_a_notebook_stays_interactive_after_its_first_picture():
    """Where a picture is the first to import pyplot, the notebook's backend says so meanwhile."""
    with shared_style():
        mpl.interactive(True)
    assert mpl.is_interactive()


def test_the_users_style_comes_back():
    before = mpl.rcParams["axes.spines.right"], mpl.rcParams["text.parse_math"]
    with shared_style():
        assert not mpl.rcParams["text.parse_math"]
    assert (mpl.rcParams["axes.spines.right"], mpl.rcParams["text.parse_math"]) == before
    with pytest.raises(ZeroDivisionError), shared_style():
        _ = 1 / 0
    assert (mpl.rcParams["axes.spines.right"], mpl.rcParams["text.parse_math"]) == before
