"""The Python of the pages in docs/ that stand on their own runs as it is written."""

import re
from pathlib import Path

import pytest

pytestmark = pytest.mark.long

DOCS = Path(__file__).parents[1] / "docs"


@pytest.mark.filterwarnings("ignore::UserWarning")  # 25 rows, 20 imputations: rightly warned of
@pytest.mark.parametrize(
    "page",
    [
        "analysis.md",
        "checking.md",
        "completed_data.md",
        "convergence.md",
        "from_r_mice.md",
        "missing_data.md",
        "missing_information.md",
        "pictures.md",
        "report.md",
        "runs.md",
    ],
)
def test_the_code_of_a_page_runs(page, tmp_path, monkeypatch) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / page).read_text(), flags=re.DOTALL)
    assert blocks
    monkeypatch.chdir(tmp_path)
    namespace: dict[str, object] = {"__name__": page}
    for block in blocks:
        exec(compile(block, page, "exec"), namespace)
