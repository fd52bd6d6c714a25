"""A small study whose predictors are complete, so that closed forms can be written out."""

import numpy as np
import pandas as pd
import pytensor
import pytest
from pymc.model.transform.conditioning import remove_value_transforms


@pytest.fixture(scope="module")
def study():
    """Every scale; one target of each with four missing cells, the rest complete."""
    rng = np.random.default_rng(20)
    n = 24
    frame = pd.DataFrame(
        {
            "age": rng.normal(50, 10, n),
            "count": rng.integers(0, 9, n),
            "smoker": rng.random(n) < 0.4,
            "site": pd.Categorical(np.resize(["b", "c", "a"], n)),
            "grade": pd.Categorical(
                np.resize(["lo", "hi", "mid", "mid"], n), ["lo", "mid", "hi"], ordered=True
            ),
        }
    )
    frame["y"] = 3 + 0.2 * frame["age"] + rng.normal(0, 2, n)
    frame["event"] = pd.array(rng.random(n) < 0.5, dtype="boolean")
    frame["kind"] = np.resize(["p", "q", "r", "q"], n)
    frame["stage"] = pd.Categorical(
        np.resize(["I", "II", "III", "III", "II"], n), ["I", "II", "III"], ordered=True
    )
    for position, name in enumerate(["y", "event", "kind", "stage"]):
        frame.loc[4 * position + 2 : 4 * position + 5, name] = None
    return frame


@pytest.fixture(scope="session")
def logp():
    """Evaluate a model's joint log-density with parameters on their own scales, no Jacobians."""

    def evaluate(model, **parameters):
        # The default mode compiles to machine code, which takes seconds for each model.
        with pytensor.config.change_flags(mode="FAST_COMPILE"):
            function = remove_value_transforms(model).compile_logp()
        return float(function({name: np.asarray(value) for name, value in parameters.items()}))

    return evaluate
