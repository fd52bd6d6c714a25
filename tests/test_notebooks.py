"""The notebooks in examples/ run from clean, and show what they say they show.

They need Jupyter's kernel, which the dependency group ``notebooks`` has:
``uv run --group notebooks pytest -m notebook``.
"""

from pathlib import Path

import pytest

pytestmark = pytest.mark.notebook

NOTEBOOKS = sorted((Path(__file__).parents[1] / "examples" / "notebooks").glob("*.py"))


@pytest.fixture(scope="module", params=NOTEBOOKS, ids=lambda path: path.stem)
def executed(request, tmp_path_factory):
    """A notebook after all its cells have run, in an empty folder."""
    jupytext, nbclient = pytest.importorskip("jupytext"), pytest.importorskip("nbclient")
    notebook = jupytext.read(request.param)
    folder = tmp_path_factory.mktemp(request.param.stem)
    client = nbclient.NotebookClient(
        notebook, timeout=600, kernel_name="python3", resources={"metadata": {"path": str(folder)}}
    )
    client.execute()
    return notebook


def test_it_shows_pictures_and_tables(executed):
    data = [
        output["data"]
        for cell in executed.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if "data" in output
    ]
    n_pictures = sum("_ = " in cell.source and "plot_" in cell.source for cell in executed.cells)
    assert n_pictures > 1
    assert sum("image/png" in one for one in data) == n_pictures
    assert sum("text/html" in one for one in data) > 2


def test_nothing_is_written_to_stderr(executed):
    said = [
        output.text
        for cell in executed.cells
        if cell.cell_type == "code"
        for output in cell.outputs
        if output.get("name") == "stderr"
    ]
    assert not said
