"""What is imported when: counted by module names, in processes of their own."""

import ast
import json
import subprocess
import sys
from importlib import import_module

import pytest

import bayesmice
import bayesmice.plots
import bayesmice.report
from bayesmice.later import later

HEAVY = {
    "arviz",
    "arviz_base",
    "arviz_plots",
    "arviz_stats",
    "blackjax",
    "formulaic",
    "jax",
    "matplotlib",
    "narwhals",
    "numba",
    "numpy",
    "pandas",
    "pymc",
    "pytensor",
    "scipy",
    "sklearn",
    "statsmodels",
    "xarray",
}

DEFAULT_RUN = """
import numpy as np
import pandas as pd
import bayesmice as bm
rng = np.random.default_rng(1)
data = pd.DataFrame(rng.normal(size=(60, 3)), columns=list("abc")).mask(rng.random((60, 3)) < 0.2)
imputations = bm.MICE(data).mice(m=2, sweeps=2, random_seed=1, progressbar=False)
assert imputations.completed(0).notna().all().all()
"""


def imported_by(code):
    """Give the packages that a process has imported after running some code."""
    tell = "import json, sys; print(json.dumps(sorted({n.split('.')[0] for n in sys.modules})))"
    run = subprocess.run(
        [sys.executable, "-c", f"{code}\n{tell}"], capture_output=True, text=True, check=True
    )
    return set(json.loads(run.stdout))


def test_importing_bayesmice_imports_no_other_library():
    assert not imported_by("import bayesmice") & HEAVY


@pytest.mark.long
def test_a_default_run_imports_no_diagnostics_and_no_pictures():
    loaded = imported_by(DEFAULT_RUN)
    assert {"jax", "pandas", "xarray"} <= loaded
    unused = {"arviz", "arviz_base", "arviz_plots", "arviz_stats", "matplotlib", "sklearn"}
    assert not loaded & (unused | {"formulaic", "narwhals", "statsmodels"})


@pytest.mark.parametrize("package", [bayesmice, bayesmice.plots, bayesmice.report])
def test_packages_offer_what_type_checkers_see(package):
    with open(package.__file__, encoding="utf-8") as source:
        tree = ast.parse(source.read())
    (checked,) = (n for n in tree.body if isinstance(n, ast.If))
    seen = {a.name: n.module for n in checked.body for a in n.names}
    assert sorted(seen) == sorted(package.__all__)
    assert set(package.__all__) <= set(dir(package))
    for name, module in seen.items():
        is_module = module == package.__name__
        origin = import_module(f"{module}.{name}" if is_module else module)
        assert getattr(package, name) is (origin if is_module else getattr(origin, name))


def test_a_name_that_does_not_exist_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'bayesmice' has no attribute 'impute'"):
        bayesmice.impute  # noqa: B018


def test_a_module_is_imported_when_it_is_used():
    code = "from bayesmice.later import later; module = later('colorsys')"
    assert "colorsys" not in imported_by(code)
    assert "colorsys" in imported_by(f"{code}; module.rgb_to_hsv(1, 1, 1)")
    assert "rgb_to_hsv" in dir(later("colorsys"))
