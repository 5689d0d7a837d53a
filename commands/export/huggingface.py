"""The rows of the subset in a data set of Hugging Face's `datasets`.

Files are matched by their paths: `datasets` lists the user's folder itself, so that whatever it
takes for an image and in whatever order, the rows are those of `load_dataset("imagefolder",
data_dir=<dataset.root>)`. Without files samples are looked up where the data may bring ids of its
own (`BRINGS_IDS` in the data set's file); otherwise a sample id is the row of its source, as in
`17` or `train/17`.
"""

from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from commands.export.chosen import Chosen
from commands.export.output import write_json
from stages.shared.datasets.reading.sources import Source
from stages.shared.errors import DataError

Rows = tuple[str | None, dict[str, int], int | None]  # split, row of each sample id, rows in all


def write(chosen: Chosen, output: Path) -> None:
    """Write data_dir, split, num_rows (null: not known) and indices, one for each pick.

    Raises:
        DataError: a sample is not in the data set, or they are in several splits.
    """
    settings = chosen.params.dataset
    data_set = import_module(f"stages.shared.datasets.{chosen.params.task}.{settings.name}")
    if chosen.root is not None:
        split, row_of, num_rows = _rows_of_folder(chosen, chosen.root)
    elif getattr(data_set, "BRINGS_IDS", False):
        split, row_of, num_rows = _rows_of_names(chosen, data_set.load(settings))
    else:
        split, row_of, num_rows = _rows_of_source(chosen)
    content = {
        "data_dir": None if chosen.root is None else str(chosen.root),
        "split": split,
        "num_rows": num_rows,
        "indices": [row_of[sample.sample_id] for sample in chosen.picks],
    }
    write_json(output, content)


def _rows_of_source(chosen: Chosen) -> Rows:
    """Return what the sample ids say."""
    row_of, splits = {}, set()
    for sample in chosen.samples:
        split, _, row = sample.sample_id.rpartition("/")
        if not (row.isascii() and row.isdecimal()):
            raise DataError(
                f"{sample.sample_id!r}: is neither a file below dataset.root nor a row of its "
                "source, as in train/17"
            )
        splits.add(split)
        row_of[sample.sample_id] = int(row)
    return _only(splits) or None, row_of, None


def _rows_of_names(chosen: Chosen, source: Source) -> Rows:
    """Return where the samples stand in the source, whatever they are called."""
    names: dict[str, list[str]] = {}
    splits = source.given_splits or ["train"] * len(source.sample_ids)
    for split, name in zip(splits, source.sample_ids, strict=True):
        names.setdefault(split, []).append(name)
    name_of = {sample.sample_id: sample.sample_id for sample in chosen.samples}
    root = chosen.params.dataset.root
    return _rows_among(names, name_of, f"is not in {root} any more; run `dvc repro`")


def _rows_of_folder(chosen: Chosen, root: Path) -> Rows:
    """Return where the samples' files stand in Hugging Face's data set of the folder."""
    path_of = {sample.sample_id: sample.path for sample in chosen.samples}
    lacks = f"is no image to Hugging Face's imagefolder of {root}"
    return _rows_among(_paths_by_split(root), path_of, lacks)


def _rows_among(names: Mapping[str, Sequence[str]], name_of: Mapping[str, str], lacks: str) -> Rows:
    """Return the rows of samples by the names of all rows of each split.

    Raises:
        DataError: a sample's name is none of a row, which `lacks` says, or they are in two splits.
    """
    found = {name: (split, row) for split in names for row, name in enumerate(names[split])}
    if missing := [name for name in name_of.values() if name not in found]:
        raise DataError(f"{missing[0]!r}: {lacks}")
    place_of = {sample_id: found[name] for sample_id, name in name_of.items()}
    split = _only({split for split, _ in place_of.values()})
    return split, {name: row for name, (_, row) in place_of.items()}, len(names[split])


def _paths_by_split(root: Path) -> dict[str, list[str]]:
    """Return the path of each row of the user's folder, as Hugging Face's data set of it."""
    try:
        # Imported here: seconds, and nothing else needs it.
        from datasets import (  # type: ignore[import-untyped] # it ships no types
            Image,
            load_dataset,
        )
    except ImportError:
        raise DataError(
            "rows of a folder of images need Hugging Face's package `datasets`: install it, or "
            "match the paths of the form text yourself"
        ) from None
    try:
        loaded = load_dataset("imagefolder", data_dir=str(root))
        as_paths = loaded.cast_column("image", Image(decode=False))
        return {
            split: [image["path"] for image in rows["image"]] for split, rows in as_paths.items()
        }
    except Exception as error:  # of a dozen kinds
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"{root}: Hugging Face's imagefolder cannot read it ({reason})") from error


def _only(splits: set[str]) -> str:
    if len(splits) > 1:
        raise DataError(f"samples are in the splits {', '.join(sorted(splits))}; it must be one")
    return next(iter(splits), "")
