"""The README's Python runs as it stands, from top to bottom."""

import re
from pathlib import Path

import matplotlib.pyplot as plt
import pytest

pytestmark = pytest.mark.long

README = Path(__file__).parents[1] / "README.md"


@pytest.fixture
def quiet_pictures(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plt, "show", lambda: None)
    plt.switch_backend("agg")
    yield
    plt.close("all")


def test_the_code_of_the_readme_runs(tmp_path, monkeypatch, quiet_pictures) -> None:
    blocks = re.findall(r"```python\n(.*?)```", README.read_text(), flags=re.DOTALL)
    assert len(blocks) == 4
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), namespace)
    assert (tmp_path / "run.nc").is_file()
    assert len(namespace["imputations"]) == 5
