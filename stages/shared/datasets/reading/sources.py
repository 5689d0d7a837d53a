"""What a data set gives before it is split, and what several data sets share in giving it.

Shapes: N samples.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from stages.shared.artifacts import BoxList, Ints, Split
from stages.shared.datasets.reading.manifests import is_empty
from stages.shared.datasets.reading.source_images import ArrayImages
from stages.shared.datasets.reading.user_tables import refuse_label_column
from stages.shared.errors import DataError, ParamsError, reason
from stages.shared.running.workspace import located
from stages.shared.settings.sections import Dataset


@dataclass(frozen=True)
class Source:
    """A labelled data set, as it comes."""

    class_names: list[str]  # a class is its place in this list
    # The class of each sample; where it has many objects one of theirs, to split the data by.
    targets_N: Ints
    sample_ids: list[str]  # unique, and the same wherever the sample stands
    given_splits: list[Split] | None  # of each sample; None: the data has no splits of its own
    inputs: Any  # what the samples are: SourceImages where the task reads images
    boxes: BoxList | None = None  # the objects of each image, where the task is to find them
    # What is wrong with what was read, a text for each: then nothing is split or written.
    problems: list[str] = field(default_factory=list)

    def classes_of(self, rows_N: Ints) -> Ints:
        """Return the class of each of some samples, or of each object in them."""
        return self.targets_N[rows_N] if self.boxes is None else self.boxes.of(rows_N).class_A


def load_torchvision(data_set: Callable[..., Any], params: Dataset, archives: str) -> Source:
    """Return a data set of torchvision.datasets, downloaded only if it is absent.

    Sample ids are the official split and the row in it, as in `train/17`.

    Args:
        data_set: its class, which takes root, train and download.
        params: where it lies.
        archives: the files to fetch by hand where there is no network, below dataset.root.

    Raises:
        DataError: it is neither there nor to be downloaded.
        ParamsError: a parameter is set that only image files obey.
    """
    refuse_file_params(params)
    given: list[Split] = ["train", "test"]
    root = str(located(params.root))
    parts = [_open_torchvision(data_set, root, split, archives) for split in given]
    images_NHWK = np.concatenate([np.asarray(part.data) for part in parts])
    if images_NHWK.ndim == 3:  # noqa: PLR2004 - grey images come without channels, N x H x W
        images_NHWK = images_NHWK[..., np.newaxis]
    targets = [np.asarray(part.targets, dtype=np.int64) for part in parts]
    return Source(
        class_names=list(parts[0].classes),
        targets_N=np.concatenate(targets),
        sample_ids=[
            f"{split}/{row}"
            for split, part in zip(given, targets, strict=True)
            for row in range(len(part))
        ],
        given_splits=[
            split for split, part in zip(given, targets, strict=True) for _ in range(len(part))
        ],
        inputs=ArrayImages(images_NHWK),
    )


def _open_torchvision(data_set: Callable[..., Any], root: str, split: Split, archives: str) -> Any:
    # For CIFAR, torchvision unpickles; only files that match the checksums it carries itself. They
    # are MD5, which is enough here: nobody can make another file with a given MD5. Of an
    # archive that matches its checksum it unpacks what stays below the folder (tarfile's filter).
    try:
        part = data_set(root, train=split == "train", download=True)
        _require_classes(part)
    except Exception as error:  # its readers let pass what damaged files make of them
        name = getattr(data_set, "__name__", "the data set")
        raise DataError(
            f"{root}: {name} is not there whole and cannot be downloaded ({reason(error)}); put "
            f"{archives} into this folder"
        ) from None
    return part


def _require_classes(part: Any) -> None:
    """Check what no checksum vouches for: MNIST's files may lie there unpacked."""
    if len(part.data) != len(part.targets):
        raise ValueError(f"{len(part.data)} images have {len(part.targets)} labels")
    most = int(np.asarray(part.targets).max())
    if most >= len(part.classes):
        raise ValueError(f"a label is {most}; it must be from 0 to {len(part.classes) - 1}")


def refuse_file_params(params: Dataset) -> None:
    """Refuse parameters that only image files obey.

    Raises:
        ParamsError: dataset.image_size or dataset.label_column is set, dataset.manifest lists
            files, or dataset.storage is files.
    """
    if params.storage == "files":
        raise ParamsError(
            f"params.yaml: dataset.storage is 'files'; {params.name} has no image files, so it "
            "must be auto or memory"
        )
    if params.image_size is not None:
        raise ParamsError(
            f"params.yaml: dataset.image_size is {params.image_size!r}; {params.name} has no image "
            "files, so it must be empty"
        )
    refuse_label_column(params, f"{params.name} has no table of labels")
    if not is_empty(params):
        raise ParamsError(
            f"params.yaml: dataset.manifest is {params.manifest!r}, which lists files; "
            f"{params.name} has no image files, so it must be an empty list"
        )
