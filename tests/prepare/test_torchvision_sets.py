"""The data sets of torchvision, read where they lie and never downloaded twice."""

import os
import struct
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from stages.shared.datasets.image_classification import fashion_mnist, mnist
from stages.shared.datasets.reading.sources import load_torchvision
from stages.shared.errors import DataError, ParamsError


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write an array in the format of MNIST: magic number, lengths, bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    header = struct.pack(f">{1 + array.ndim}I", 0x0800 + array.ndim, *array.shape)
    path.write_bytes(header + array.astype(np.uint8).tobytes())


@pytest.fixture(params=[(mnist, "MNIST"), (fashion_mnist, "FashionMNIST")])
def idx_set(request, tmp_path):
    """A data set in MNIST's files: 6 train and 4 test images."""
    module, name = request.param
    generator = np.random.default_rng(0)
    parts = {}
    for prefix, count in (("train", 6), ("t10k", 4)):
        parts[prefix] = generator.integers(0, 256, (count, 28, 28)), np.arange(count) % 10
        folder = tmp_path / name / "raw"
        write_idx(folder / f"{prefix}-images-idx3-ubyte", parts[prefix][0])
        write_idx(folder / f"{prefix}-labels-idx1-ubyte", parts[prefix][1])
    return module, parts


def test_both_parts_are_read_in_order_with_ids_that_tell_them_apart(
    idx_set, dataset, tmp_path, read
):
    module, parts = idx_set
    source = module.load(dataset(root=str(tmp_path)))
    assert source.sample_ids == [f"train/{n}" for n in range(6)] + [f"test/{n}" for n in range(4)]
    assert source.given_splits == ["train"] * 6 + ["test"] * 4
    assert source.targets_N.tolist() == [0, 1, 2, 3, 4, 5, 0, 1, 2, 3]
    assert source.targets_N.dtype == np.int64
    assert len(source.class_names) == 10
    inputs_NHWK = read(source, [6])
    assert inputs_NHWK.shape == (1, 28, 28, 1)
    assert np.array_equal(inputs_NHWK[0, ..., 0], parts["t10k"][0][0])


def test_files_that_were_cut_short_are_one_line(idx_set, dataset, tmp_path):
    module, _ = idx_set
    images = next(tmp_path.rglob("train-images*"))
    images.write_bytes(images.read_bytes()[:1000])
    with pytest.raises(DataError, match="is not there whole"):
        module.load(dataset(root=str(tmp_path)))


def toy_set(root, train, download):
    """A colour data set with torchvision's interface."""
    assert download
    count = 3 if train else 2
    return SimpleNamespace(
        data=np.full((count, 4, 4, 3), count, dtype=np.uint8),
        targets=[0, 1, 1][:count],
        classes=["cat", os.path.basename(root)],  # noqa: PTH119 - torchvision takes a text
    )


def test_colour_images_keep_their_channels(dataset, read):
    source = load_torchvision(toy_set, dataset(root="somewhere/dog"), "toy.tar")
    assert source.class_names == ["cat", "dog"]
    assert source.targets_N.tolist() == [0, 1, 1, 0, 1]
    assert read(source, range(5)).shape == (5, 4, 4, 3)


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"image_size": 64}, "dataset.image_size is 64; imagefolder has no image files"),
        ({"storage": "files"}, "dataset.storage is 'files'; imagefolder has no image files"),
    ],
)
def test_parameters_for_image_files_are_refused(dataset, changes, says):
    with pytest.raises(ParamsError, match=says):
        load_torchvision(toy_set, dataset(**changes), "toy.tar")
