"""Trees on disk: netCDF files and Zarr folders that are written whole or not at all."""

import glob
import json
import os
import shutil
from pathlib import Path

import xarray as xr

from bayesmice.errors import StoreError
from bayesmice.store.tree import FORMAT, GROUPS

ZARR = ".zarr"
ORDER = "order"
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
    """
    destination = Path(path)
    check_folder(destination)
    _sweep_away(destination)
    # In a folder of its own: a temporary file of tempfile's would keep its private permissions.
    folder = destination.with_name(PARTIAL.format(destination.name, os.getpid()))
    folder.mkdir()
    try:
        partial = folder / destination.name
        if destination.suffix == ZARR:
            _ordered(tree).to_zarr(partial, mode="w", zarr_format=2, consolidated=False)
            _replace_folder(partial, destination)
        else:
            tree.to_netcdf(partial, engine="h5netcdf")
            partial.replace(destination)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return destination


def check_folder(path: str | os.PathLike[str]) -> None:
    """Raise a FileNotFoundError if the folder that a file is to be in does not exist."""
    destination = Path(path)
    if not destination.parent.is_dir():
        raise FileNotFoundError(
            f"There is no folder {os.fspath(destination.parent)!r} to write "
            f"{destination.name!r} into."
        )


def read_tree(path: str | os.PathLike[str]) -> xr.DataTree:
    """Read a tree that `write_tree` wrote into memory.

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
    is_zarr = found.is_dir()
    kind = "a Zarr folder" if is_zarr else "a netCDF file"
    try:
        if is_zarr:
            with xr.open_datatree(found, engine="zarr", consolidated=False) as opened:
                tree = _in_order(opened.load())
        else:
            with xr.open_datatree(found, engine="h5netcdf") as opened:
                tree = opened.load()
    except (OSError, ValueError, KeyError) as error:
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
    return tree


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


def _ordered(tree: xr.DataTree) -> xr.DataTree:
    """Write down the order of groups and variables, which a folder does not keep."""
    groups = {node.path: node.to_dataset(inherit=False) for node in tree.subtree}
    order = {path: list(map(str, dataset.data_vars)) for path, dataset in groups.items()}
    groups["/"] = groups["/"].assign_attrs({ORDER: json.dumps(order)})
    return xr.DataTree.from_dict(groups)


def _in_order(tree: xr.DataTree) -> xr.DataTree:
    """Bring groups and variables into the order that was written down."""
    order = json.loads(tree.attrs.pop(ORDER, "{}"))
    if set(order) != set(tree.groups):
        return tree
    found = {node.path: node.to_dataset(inherit=False) for node in tree.subtree}
    groups = {}
    for path, names in order.items():
        dataset = found[path]
        groups[path] = dataset.drop_vars(names).assign({name: dataset[name] for name in names})
    return xr.DataTree.from_dict(groups)


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
