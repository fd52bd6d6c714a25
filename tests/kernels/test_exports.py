"""Exported visits: the same numbers without PyMC, and never a program that anything has changed."""

import json
import os
import shutil
import subprocess
import sys

import jax
import numpy as np
import pandas as pd
import pytest

import bayesmice as bm
from bayesmice.kernels import exports, shared
from bayesmice.kernels.exports import (
    SWITCH,
    exports_folder,
    fingerprint,
    read_export,
    write_export,
)
from bayesmice.kernels.targets import _shared_program
from bayesmice.models import FAMILIES, Family
from bayesmice.models.catalog import is_built_in

pytest.importorskip("flatbuffers")

RUN = """
import hashlib, json, sys
import numpy as np
import pandas as pd
import bayesmice as bm
rng = np.random.default_rng(1)
x = rng.normal(size=60)
data = pd.DataFrame({"number": x, "count": rng.poisson(5 + x.clip(-2))})
data = data.mask(rng.random((60, 2)) < 0.2)
imputations = bm.MICE(data).mice(m=2, sweeps=3, random_seed=1, progressbar=False)
bits = [imputations.long().to_csv(), str(imputations.tree.conditionals.to_dict())]
print(json.dumps({
    "bits": [hashlib.sha256(text.encode()).hexdigest() for text in bits],
    "modules": sorted({name.split(".")[0] for name in sys.modules}),
}))
"""
NOT_NEEDED = {"blackjax", "pymc", "pytensor"}
NEVER_NEEDED = {"arviz", "arviz_base", "joblib", "matplotlib", "sklearn", "statsmodels"}


def impute(cache, code=RUN, **environment):
    """Impute in a process of its own; give digests of the results, and the imported modules."""
    own = {SWITCH: "true", "XDG_CACHE_HOME": str(cache), **environment}
    run = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={key: value for key, value in os.environ.items() if key != SWITCH} | own,
    )
    found = json.loads(run.stdout)
    return found["bits"], set(found["modules"])


@pytest.fixture(scope="module")
def first(tmp_path_factory):
    """Run with an empty cache: the folder, and what came out."""
    cache = tmp_path_factory.mktemp("cache")
    bits, modules = impute(cache)
    assert modules >= {"pymc", "pytensor"}
    return cache, bits


def folder_of(cache):
    return cache / "bayesmice" / "jax" / exports.FOLDER


@pytest.mark.long
def test_a_second_process_gives_the_same_bits_without_pymc(first):
    cache, bits = first
    again, modules = impute(cache)
    assert again == bits
    assert not modules & (NOT_NEEDED | NEVER_NEEDED)


@pytest.mark.long
def test_without_exports_the_bits_are_the_same(first):
    cache, bits = first
    again, modules = impute(cache, **{SWITCH: "false"})
    assert again == bits
    assert modules >= {"pymc", "pytensor"}


ON_ANOTHER_DEVICE = f"""
import jax
jax.config.update("jax_default_device", jax.devices()[1])
{RUN}
found = {{device for array in jax.live_arrays() for device in array.devices()}}
assert found == {{jax.devices()[1]}}, found
"""


@pytest.mark.long
def test_programs_run_where_the_arrays_of_the_user_lie(first, tmp_path):
    """On a device that is not JAX's first, as on the CPU of a machine with a GPU."""
    _, bits = first
    two = "--xla_force_host_platform_device_count=2"
    again, _ = impute(tmp_path, ON_ANOTHER_DEVICE, XLA_FLAGS=two)
    assert again == bits


@pytest.mark.long
def test_an_export_that_is_not_whole_is_made_anew(first):
    cache, bits = first
    files = sorted(folder_of(cache).iterdir())
    whole = {file: file.read_bytes() for file in files}
    for file in files:
        file.write_bytes(whole[file][:-1])
    again, modules = impute(cache)
    assert again == bits
    assert modules >= {"pymc", "pytensor"}
    assert {file.name for file in folder_of(cache).iterdir()} == {file.name for file in files}
    assert all(len(file.read_bytes()) == len(whole[file]) for file in files)


@pytest.mark.long
def test_other_settings_of_pytensor_find_no_export(first):
    cache, bits = first
    before = set(folder_of(cache).iterdir())
    again, modules = impute(cache, PYTENSOR_FLAGS="optimizer_verbose=False")
    assert again == bits
    assert modules >= {"pymc", "pytensor"}
    after = set(folder_of(cache).iterdir())
    assert after > before
    assert len(after) == 2 * len(before)


@pytest.mark.long
def test_where_nothing_can_be_written_a_run_goes_on(first, tmp_path):
    cache, bits = first
    compiled = folder_of(tmp_path).parent
    shutil.copytree(
        folder_of(cache).parent, compiled, ignore=shutil.ignore_patterns(exports.FOLDER)
    )
    folder_of(tmp_path).write_text("a file where the folder would be")
    again, modules = impute(tmp_path)
    assert again == bits
    assert modules >= {"pymc", "pytensor"}


def test_exports_are_cleared_with_the_compilation_cache(export_folder):
    assert exports_folder() == export_folder
    assert (
        export_folder.parent == export_folder.parent.parent / jax.config.jax_compilation_cache_dir
    )


def test_what_was_kept_is_read_again(export_folder):
    assert read_export("name") is None
    write_export("name", b"kept")
    assert read_export("name") == b"kept"
    (export_folder / "name").write_bytes((export_folder / "name").read_bytes() + b"!")
    assert read_export("name") is None


def test_what_jax_cannot_export_runs_all_the_same(export_folder, monkeypatch):
    def refuse(function):
        def refusing(*shapes):
            raise ValueError("no way to export this")

        return refusing

    monkeypatch.setattr(shared.export, "export", refuse)
    rng = np.random.default_rng(1)
    data = pd.DataFrame(rng.normal(size=(31, 2)), columns=["x", "y"]).mask(
        rng.random((31, 2)) < 0.2
    )
    _shared_program.cache_clear()  # programs remember whether they may be exported
    refused = bm.MICE(data).mice(m=2, sweeps=2, random_seed=1, progressbar=False).long()
    monkeypatch.setenv(SWITCH, "false")
    _shared_program.cache_clear()
    plain = bm.MICE(data).mice(m=2, sweeps=2, random_seed=1, progressbar=False).long()
    pd.testing.assert_frame_equal(refused, plain, check_exact=True)
    assert all(len(file.read_bytes()) < 1000 for file in export_folder.iterdir()), (
        "no visit was kept"
    )


def test_a_program_that_was_written_while_it_was_traced_serves_further_shapes(export_folder):
    """As in a second process that finds what a program is, but not the visit of this many rows."""
    rng = np.random.default_rng(2)
    data = pd.DataFrame({"x": rng.normal(size=37), "y": rng.normal(size=37)})
    data["stage"] = pd.Categorical(rng.choice(list("abc"), 37), ordered=True)
    data = data.mask(rng.random(data.shape) < 0.2)
    for m in (2, 3):
        _shared_program.cache_clear()  # as in a new process
        bm.MICE(data).mice(m=m, sweeps=2, random_seed=1, progressbar=False)
    run = bm.MICE(data).mice(m=4, sweeps=2, random_seed=1, progressbar=False)
    assert all(completed.notna().all(axis=None) for completed in run)


def test_the_oldest_exports_go(export_folder, monkeypatch):
    monkeypatch.setattr(exports, "MAX_EXPORTS", 2)
    for age, name in enumerate("abc"):
        write_export(name, b"kept")
        os.utime(export_folder / name, (age, age))
    write_export("d", b"kept")
    assert sorted(file.name for file in export_folder.iterdir()) == ["c", "d"]


@pytest.mark.parametrize("value", ["false", "0"])
def test_exports_can_be_turned_off(export_folder, monkeypatch, value):
    monkeypatch.setenv(SWITCH, value)
    assert exports_folder() is None
    write_export("name", b"kept")
    assert not export_folder.exists()


def test_a_cache_in_no_folder_keeps_no_exports(export_folder):
    jax.config.update("jax_compilation_cache_dir", "")
    assert exports_folder() is None


def test_a_cache_that_is_off_keeps_no_exports(export_folder):
    jax.config.update("jax_enable_compilation_cache", False)
    try:
        assert exports_folder() is None
    finally:
        jax.config.update("jax_enable_compilation_cache", True)


def test_a_fingerprint_changes_with_all_that_a_program_depends_on(export_folder, monkeypatch):
    found = [fingerprint("part"), fingerprint("other")]
    assert fingerprint("part") == found[0]
    monkeypatch.setattr(exports, "_code", lambda: "other code")
    found.append(fingerprint("part"))
    monkeypatch.setattr(exports, "_versions", lambda: ("other versions",))
    found.append(fingerprint("part"))
    monkeypatch.setenv("PYTENSOR_FLAGS", "floatX=float32")
    found.append(fingerprint("part"))
    with jax.default_matmul_precision("highest"):
        found.append(fingerprint("part"))
    assert len(set(found)) == len(found)


def test_code_is_told_by_its_content():
    exports._code.cache_clear()
    here = exports._code()
    assert len(here) == 64
    assert here == exports._code()


def test_families_of_a_user_are_not_exported():
    assert all(is_built_in(family) for own in FAMILIES.values() for family in own.by_link.values())
    gaussian = FAMILIES["gaussian"]
    assert not is_built_in(Family("gaussian", gaussian.likelihood, auxiliary=gaussian.auxiliary))
