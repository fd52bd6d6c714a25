"""Trees on disk: netCDF files and Zarr folders that are written whole or not at all."""

import glob
import os
import shutil
from pathlib import Path

import xarray as xr

from bayesmice.errors import StoreError
from bayesmice.store.folders import check_installed, is_zarr, read_folder, write_folder
from bayesmice.store.frames import decode_index
from bayesmice.store.tree import FORMAT, GROUPS

ZARR = ".zarr"
PARTIAL = ".{}.partial-{}"
"""Where a tree is written before it is complete; the process is part of the name."""
REPLACED = ".{}.replaced"
"""What a Zarr folder is called while a new one takes its place."""


def write_tree(tree: xr.DataTree, path: str | os.PathLike[str]) -> Path:
    """Write a tree to a Zarr folder if the path ends with ``.zarr``, to a netCDF file otherwise.

    It is written beside its place and moved there when it is complete. So a crash leaves an older
    file as it was; an older Zarr folder, which cannot be replaced in one step, is found under its
    other name if the crash comes between the two.

    Parameters
    ----------
    tree : xarray.DataTree
        The tree.
    path : path-like
        Where to.

    Returns
    -------
    Path
        The file or folder.

    Raises
    ------
    FileNotFoundError
        If the folder that it is to be in does not exist.
    StoreError
        If a folder of that name is there which is none of Zarr, or Zarr is not installed.
    """
    destination = Path(path)
    check_folder(destination)
    if destination.is_dir():
        if destination.suffix != ZARR or not is_zarr(destination):
            raise StoreError(
                f"{os.fspath(path)!r} is a folder that bayesmice did not write, so it is not "
                "replaced. Remove it, or choose another path."
            )
        tree.load()  # it may be read from the folder that is about to go
    _sweep_away(destination)
    # In a folder of its own: a temporary file of tempfile's would keep its private permissions.
    folder = destination.with_name(PARTIAL.format(destination.name, os.getpid()))
    folder.mkdir()
    try:
        partial = folder / destination.name
        if destination.suffix == ZARR:
            write_folder(tree, partial)
            _replace_folder(partial, destination)
        else:
            tree.to_netcdf(partial, engine="h5netcdf")
            partial.replace(destination)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return destination


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise an error if a file cannot be written: there is no folder for it, or no Zarr."""
    destination = Path(path)
    if destination.suffix == ZARR:
        check_installed()
    if not destination.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {os.fspath(destination.parent)!r} to write "
            f"{destination.name!r} into."
        )


def read_tree(path: str | os.PathLike[str]) -> xr.DataTree:
    """Read a tree that `write_tree` wrote.

    A netCDF file is read into memory. Of a Zarr folder the imputations, and groups of conditional
    models that have an element for every row, are read when they are wanted, by imputation.

    Parameters
    ----------
    path : path-like
        The file or folder.

    Returns
    -------
    xarray.DataTree
        The tree.

    Raises
    ------
    FileNotFoundError
        If there is none.
    StoreError
        If it cannot be read, or is not one of ours, or of a format that this version does not read.
    """
    found = find_tree(path)
    if found is None:
        raise FileNotFoundError(f"There is no file {os.fspath(path)!r}.")
    kind = "a Zarr folder" if found.is_dir() else "a netCDF file"
    try:
        tree = read_folder(found) if found.is_dir() else _read_netcdf(found)
    except StoreError:
        raise
    except (OSError, ValueError, KeyError, RuntimeError) as error:
        raise StoreError(
            f"{os.fspath(path)!r} cannot be read as {kind}: {error}. It may be truncated or "
            "of another kind."
        ) from error
    absent = [group for group in GROUPS if group not in tree.children]
    if tree.attrs.get("format") == FORMAT and absent:
        raise StoreError(
            f"{os.fspath(path)!r} lacks the group {absent[0]!r}, so it cannot be opened. It may be "
            "a part of a tree; write the whole one with Imputations.to_netcdf."
        )
    said = tree.attrs.get("format")
    if said != FORMAT:
        raise StoreError(
            f"{os.fspath(path)!r} says its format is {said!r}; this version of bayesmice reads "
            f"{FORMAT!r}. "
            "Open it with the version that wrote it."
        )
    observed = tree["observed_data"].to_dataset()
    tree["observed_data"] = xr.DataTree(decode_index(observed))
    return tree


def _read_netcdf(path: Path) -> xr.DataTree:
    # A column that is measured in days is none of dates, whatever xarray takes its units for.
    with xr.open_datatree(
        path, engine="h5netcdf", decode_times=False, decode_timedelta=False
    ) as opened:
        return opened.load()


def find_tree(path: str | os.PathLike[str]) -> Path | None:
    """Find a file or folder, or the older folder where a crash came before its replacement.

    Parameters
    ----------
    path : path-like
        The file or folder.

    Returns
    -------
    Path or None
        Where it is; None if there is none.
    """
    destination = Path(path)
    if destination.is_file() or destination.is_dir():
        return destination
    replaced = destination.with_name(REPLACED.format(destination.name))
    return replaced if replaced.is_dir() else None


def _sweep_away(destination: Path) -> None:
    """Remove what processes that are no more left half written."""
    prefix = PARTIAL.format(destination.name, "")
    for folder in destination.parent.glob(f"{glob.escape(prefix)}*"):
        process = folder.name.removeprefix(prefix)
        if process.isdigit() and (int(process) == os.getpid() or not _is_running(int(process))):
            shutil.rmtree(folder, ignore_errors=True)


def _is_running(process: int) -> bool:
    if os.name == "nt":  # there, signal 0 is an interrupt
        return True
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _replace_folder(partial: Path, destination: Path) -> None:
    replaced = destination.with_name(REPLACED.format(destination.name))
    if destination.is_dir():
        if replaced.is_dir():
            shutil.rmtree(replaced)
        destination.replace(replaced)
    partial.replace(destination)
    if replaced.is_dir():
        shutil.rmtree(replaced)
