"""Tests for stages/shared/networks/batches.py."""

import numpy as np
import pytest
import torch
from PIL import Image

from stages.shared import artifacts
from stages.shared.artifacts import FileList, Meta
from stages.shared.networks import batches as batches_module
from stages.shared.networks.batches import batches, load_samples, normalise, num_batches
from stages.shared.samples.decoding import checksum


def sizes(num_samples: int, batch_size: int) -> list[int]:
    return [part.stop - part.start for part in batches(num_samples, batch_size)]


@pytest.mark.parametrize(
    ("num_samples", "expected"),
    [(8, [4, 4]), (9, [3, 3, 3]), (10, [3, 3, 4]), (3, [3]), (1, [1]), (5, [2, 3])],
)
def test_batches_are_as_few_and_as_equal_as_possible(num_samples, expected):
    assert sizes(num_samples, 4) == expected
    assert num_batches(num_samples, 4) == len(expected)


def test_batches_cover_every_sample_once():
    for num_samples in range(1, 40):
        covered = [row for part in batches(num_samples, 7) for row in range(num_samples)[part]]
        assert covered == list(range(num_samples))
        assert max(sizes(num_samples, 7)) <= 7
        assert max(sizes(num_samples, 7)) - min(sizes(num_samples, 7)) <= 1


def test_normalised_train_images_have_mean_0_and_deviation_1():
    images = torch.randint(0, 256, (50, 6, 5, 3), dtype=torch.uint8)
    scaled = images.double() / 255
    mean, std = scaled.mean(dim=(0, 1, 2)), scaled.std(dim=(0, 1, 2), correction=0)
    meta = Meta("t", "d", ["a"], [6, 5, 3], mean.tolist(), std.tolist(), {}, "")

    found = normalise(images, meta)

    assert found.shape == (50, 3, 6, 5)
    assert found.is_contiguous(memory_format=torch.channels_last)
    assert found.mean(dim=(0, 2, 3)).numpy() == pytest.approx(np.zeros(3), abs=1e-5)
    assert found.std(dim=(0, 2, 3)).numpy() == pytest.approx(np.ones(3), rel=1e-3)


def images(samples, index_B):
    (images_BHWK,) = samples.in_batches([index_B])
    return images_BHWK


def test_samples_are_those_of_the_given_rows(tmp_path):
    inputs = np.arange(2 * 2 * 5, dtype=np.uint8).reshape(5, 2, 2, 1)
    artifacts.save_array(tmp_path / "train/inputs.npy", inputs)
    artifacts.save_targets(tmp_path, "train", np.arange(5, dtype=np.int64))

    found = load_samples(tmp_path, "train", torch.device("cpu"), np.array([3, 1]))

    assert found.targets_N.tolist() == [3, 1]
    assert len(found) == 2
    assert images(found, torch.tensor([0, 1, 0])).numpy().tolist() == inputs[[3, 1, 3]].tolist()


def test_images_that_do_not_fit_are_read_from_disk_as_they_are_needed(prepared, monkeypatch):
    rows = np.array([5, 50, 7])
    cpu = torch.device("cpu")
    resident = load_samples(prepared, "train", cpu, rows)
    monkeypatch.setattr(batches_module, "MOST_RESIDENT", 3 * 64 - 1)

    on_disk = load_samples(prepared, "train", cpu, rows)

    assert isinstance(on_disk.inputs_NHWK, np.memmap)
    for index in ([0], [2, 1, 1], []):
        index_B = torch.tensor(index, dtype=torch.int64)
        assert torch.equal(images(on_disk, index_B), images(resident, index_B))


def test_a_channel_that_never_changes_is_0_and_not_nan():
    meta = Meta("t", "d", ["a"], [2, 2, 1], [40 / 255], [0.0], {}, "")

    assert not normalise(torch.full((3, 2, 2, 1), 40, dtype=torch.uint8), meta).any()


def test_files_are_decoded_once_and_kept_where_they_fit_and_else_as_they_are_needed(
    tmp_path, monkeypatch
):
    pixels = np.random.default_rng(0).integers(0, 256, (6, 4, 4, 3), dtype=np.uint8)
    names = [f"{number}.png" for number in range(6)]
    for name, pixels_HWK in zip(names, pixels, strict=True):
        Image.fromarray(pixels_HWK).save(tmp_path / name)
    checksum_N = np.array([checksum(pixels_HWK) for pixels_HWK in pixels])
    files = FileList(str(tmp_path), None, [4, 4, 3], names, checksum_N)
    artifacts.save_file_list(tmp_path, "train", files)
    artifacts.save_targets(tmp_path, "train", np.arange(6, dtype=np.int64))
    parts = [torch.tensor(index) for index in ([2, 0], [1, 1, 2])]

    for most, is_kept in ((3 * 48, True), (3 * 48 - 1, False)):
        monkeypatch.setattr(batches_module, "MOST_DECODED", most)
        found = load_samples(tmp_path, "train", torch.device("cpu"), np.array([5, 0, 3]))
        assert isinstance(found.inputs_NHWK, torch.Tensor) is is_kept
        loaded = [images_BHWK.numpy().tolist() for images_BHWK in found.in_batches(parts)]
        assert loaded == [pixels[[3, 5]].tolist(), pixels[[0, 0, 3]].tolist()]
