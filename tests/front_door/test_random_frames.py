"""Any data frame is imputed or refused with a sentence; other frames in each run of the tests.

A frame that fails is shown, made as small as Hypothesis can, with a line that repeats it.
"""

import pandas as pd
import pytest
from completion import check_completed
from hypothesis import HealthCheck, given, note, settings
from random_frames import frames

import bayesmice as bm
from bayesmice.specification import specify


def examples(n):
    """Ask for a number of frames; compiling takes as long as it takes."""
    return settings(
        max_examples=n,
        deadline=None,
        derandomize=False,
        database=None,
        print_blob=True,
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    )


def describe(frame):
    return f"{frame.to_dict(orient='tight')}\n{frame.dtypes.tolist()}\n{frame.index!r}"


def check_specification(frame):
    """Models for all columns, and completed data with other values that were observed."""
    note(describe(frame))
    before = frame.copy(deep=True)
    try:
        mice = bm.MICE(frame)
        specification = specify(frame)
    except bm.BayesMiceError as error:
        assert str(error).endswith(".")  # noqa: PT017  (either way is fine)
        return
    assert len(mice.table) == frame.shape[1]
    assert mice._repr_html_()
    check_completed(specification.store.complete(specification.fills), frame)
    for name in list(specification.missing)[:1]:
        assert mice.model(name).observed_RVs[0].name == name
    pd.testing.assert_frame_equal(frame, before)


def check_run(frame):
    """Two chains of two sweeps, from the data to completed data."""
    note(describe(frame))
    before = frame.copy(deep=True)
    try:
        imputations = bm.MICE(frame).mice(m=2, sweeps=2, progressbar=False)
    except bm.BayesMiceError as error:
        assert str(error).endswith(".")  # noqa: PT017  (either way is fine)
        return
    assert len(imputations) == 2
    for completed in imputations:
        check_completed(completed, frame)
    assert repr(imputations)
    pd.testing.assert_frame_equal(frame, before)


@given(frame=frames())
@examples(40)
def test_any_frame_gets_models_or_a_sentence(frame):
    check_specification(frame)


@given(frame=frames(rows=(12,), most=2, refusable=False))
@examples(4)
def test_any_frame_is_imputed_or_refused(frame):
    check_run(frame)


@pytest.mark.statistical
@given(frame=frames())
@examples(800)
def test_hundreds_of_frames_get_models_or_a_sentence(frame):
    check_specification(frame)


@pytest.mark.statistical
@given(frame=frames(rows=(1, 2, 3, 12, 40, 200)))
@examples(100)
def test_a_hundred_frames_are_imputed_or_refused(frame):
    check_run(frame)
