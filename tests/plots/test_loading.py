import subprocess
import sys

import pytest

import bayesmice.plots


def test_pictures_are_imported_only_when_asked_for():
    code = (
        "import sys, bayesmice, bayesmice.plots; "
        "print([name for name in ('arviz_plots', 'matplotlib') if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


@pytest.mark.parametrize("name", bayesmice.plots.__all__)
def test_every_public_picture_loads(name):
    assert getattr(bayesmice.plots, name).__name__ == name


def test_a_picture_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match=r"'bayesmice\.plots' has no attribute 'plot_pie'"):
        bayesmice.plots.plot_pie  # noqa: B018
