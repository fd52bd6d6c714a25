import matplotlib as mpl
import pytest

import bayesmice as bm
from bayesmice.commands import main


@pytest.fixture(autouse=True)
def figures_without_a_window():
    before = mpl.get_backend()
    mpl.use("Agg")
    yield
    mpl.use(before)


@pytest.fixture(scope="session")
def csv(tmp_path_factory):
    """The data of nhanes2 with names of patients, and -9 where cholesterol is missing."""
    path = tmp_path_factory.mktemp("data") / "patients.csv"
    data = bm.load_dataset("nhanes2")
    data.insert(0, "patient", [f"p{i:02}" for i in range(25)])
    data["chl"] = data["chl"].fillna(-9)
    data.to_csv(path, index=False)
    return path


@pytest.fixture(scope="session")
def run(csv, tmp_path_factory):
    """What impute wrote of them."""
    path = tmp_path_factory.mktemp("run") / "run.nc"
    read = [str(csv), "--id", "patient", "--missing", "-9"]
    assert main(["impute", *read, "-m", "3", "--sweeps", "5", "--seed", "1", "-o", str(path)]) == 0
    return path


@pytest.fixture
def told(capsys):
    """Run a command that fails, and give the one line that says why."""

    def run_it(*arguments, code=1):
        assert main([str(argument) for argument in arguments]) == code
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("bayesmice: error: ")
        assert err.count("\n") == 1
        return err

    return run_it
