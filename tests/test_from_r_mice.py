"""The page for users of R's mice speaks of every argument of the functions it is about."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

PAGE = (Path(__file__).parents[1] / "docs" / "from_r_mice.md").read_text()
# names(formals(...)) of each function in mice 3.15.0; methods of mids for complete and with.
ARGUMENTS = {
    "mice": "data m method predictorMatrix ignore where blocks visitSequence formulas blots post "
    "defaultMethod maxit printFlag seed data.init ...",
    "complete": "data action include mild",
    "with": "data expr ...",
    "pool": "object dfcom rule custom.t",
    "mice.mids": "obj newdata maxit printFlag ...",
    "futuremice": "data m parallelseed n.core seed use.logical future.plan ...",
    "quickpred": "data mincor minpuc include exclude method",
    "ampute": "data prop patterns freq mech weights std cont type odds bycases run",
    "md.pattern": "x plot rotate.names",
    "flux": "data local",
}
METHODS = """
2l.bin 2l.lmer 2l.norm 2l.pan 2lonly.mean 2lonly.norm 2lonly.pmm cart jomoImpute lasso.logreg
lasso.norm lda logreg logreg.boot mean midastouch mnar.logreg mnar.norm mpmm norm norm.boot norm.nob
norm.predict panImpute pmm polr polyreg quadratic rf ri sample
"""


def section(heading):
    """The text below a heading, up to the next one."""
    found = re.search(rf"^## {re.escape(heading)}[^\n]*\n(.*?)(?=^## |\Z)", PAGE, re.M | re.S)
    assert found, heading
    return found[1]


@pytest.mark.parametrize("function", ARGUMENTS)
def test_every_argument_is_spoken_of(function) -> None:
    code = re.findall(r"`([^`]+)`", section(f"`{function}()`"))
    words = set(re.findall(r"[\w.]+", " ".join(code)))
    assert set(ARGUMENTS[function].split()) <= words


def test_every_method_is_spoken_of() -> None:
    table = [line.split("|")[1] for line in section("Methods").splitlines() if line.count("|") > 2]
    named = set(re.findall(r"`([\w.]+)`", " ".join(table)))
    assert named - {"mice.impute.yours"} == set(METHODS.split())


@pytest.mark.skipif(shutil.which("Rscript") is None, reason="R is not installed")
@pytest.mark.parametrize("function", ARGUMENTS)
def test_the_arguments_are_those_of_r(function) -> None:
    name = {"complete": "complete.mids", "with": "with.mids"}.get(function, function)
    program = (
        'if (!requireNamespace("mice", quietly = TRUE) || packageVersion("mice") != "3.15.0")'
        f' quit(status = 3); cat(names(formals(getFromNamespace("{name}", "mice"))))'
    )
    run = subprocess.run(["Rscript", "-e", program], capture_output=True, text=True, check=False)
    if run.returncode == 3:
        pytest.skip("mice 3.15.0 is not installed")
    assert set(run.stdout.split()) - {"..."} == set(ARGUMENTS[function].split()) - {"..."}
