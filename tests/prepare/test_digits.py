"""scikit-learn's digits, whole and on the full scale of 8 bits."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from stages.shared.datasets.image_classification import digits
from stages.shared.datasets.object_detection import digit_scenes
from stages.shared.datasets.reading import splits
from stages.shared.datasets.vector_classification import digit_vectors
from stages.shared.errors import ParamsError


@pytest.fixture(scope="module")
def source(dataset):
    return digits.load(dataset(name="digits"))


def test_all_digits_with_their_classes_and_rows_as_ids(source):
    assert np.array_equal(source.targets_N, load_digits().target)
    assert source.sample_ids[:2] == ["0", "1"]
    assert len(source.sample_ids) == 1797
    assert source.class_names == list("0123456789")


def test_pixels_of_0_to_16_become_0_to_255(source, read):
    inputs_NHWK = read(source, [5, 0])
    assert inputs_NHWK.dtype == np.uint8
    assert inputs_NHWK.shape == (2, 8, 8, 1)
    expected = load_digits().images[[5, 0]] / 16
    assert np.abs(inputs_NHWK[..., 0] / 255 - expected).max() <= 0.5 / 255
    assert inputs_NHWK.max() == 255


def test_the_five_folds_test_each_of_the_1797_digits_once(source, dataset):
    tests = [splits.assign(source, dataset(name="digits", fold=fold))["test"] for fold in range(5)]
    assert sorted(np.concatenate(tests)) == list(range(1797))
    assert all(350 <= len(rows_N) <= 369 for rows_N in tests)


@pytest.mark.parametrize("made_of_digits", [digits, digit_scenes, digit_vectors])
@pytest.mark.parametrize(
    "change", [{"image_size": 32}, {"image_size": [32, 32]}, {"manifest": "list.csv"}]
)
def test_parameters_for_image_files_are_refused(dataset, one_listed, made_of_digits, change):
    with pytest.raises(ParamsError, match=f"dataset.{next(iter(change))} is"):
        made_of_digits.load(dataset(name="digits", **change))
