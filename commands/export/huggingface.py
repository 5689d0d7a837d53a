"""The rows of the subset in a data set of Hugging Face's `datasets`.

Files are matched by their paths: `datasets` lists the user's folder itself, so that whatever it
takes for an image and in whatever order, the rows are those of `load_dataset("imagefolder",
data_dir=<dataset.root>)`. Without files a sample id is the row of its source, as in `17` or
`train/17`.
"""

from pathlib import Path

from commands.export.chosen import Chosen
from commands.export.output import write_json
from stages.shared.errors import DataError


def write(chosen: Chosen, output: Path) -> None:
    """Write data_dir, split, num_rows (null: not known) and indices, one for each pick.

    Raises:
        DataError: a sample is not in the data set, or they are in several splits.
    """
    if chosen.root is None:
        split, row_of = _rows_of_source(chosen)
        num_rows = None
    else:
        split, row_of, num_rows = _rows_of_folder(chosen, chosen.root)
    content = {
        "data_dir": None if chosen.root is None else str(chosen.root),
        "split": split,
        "num_rows": num_rows,
        "indices": [row_of[sample.sample_id] for sample in chosen.picks],
    }
    write_json(output, content)


def _rows_of_source(chosen: Chosen) -> tuple[str | None, dict[str, int]]:
    """Return the split of the source and the row of each sample id in it."""
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
    return _only(splits) or None, row_of


def _rows_of_folder(chosen: Chosen, root: Path) -> tuple[str, dict[str, int], int]:
    """Return the split that holds the samples, the row of each sample id in it, and its length."""
    paths = _paths_by_split(root)
    found = {path: (split, row) for split in paths for row, path in enumerate(paths[split])}
    missing = [sample.path for sample in chosen.samples if sample.path not in found]
    if missing:
        raise DataError(f"{missing[0]!r}: is no image to Hugging Face's imagefolder of {root}")
    place_of = {sample.sample_id: found[sample.path] for sample in chosen.samples}
    split = _only({split for split, _ in place_of.values()})
    return split, {name: row for name, (_, row) in place_of.items()}, len(paths[split])


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
