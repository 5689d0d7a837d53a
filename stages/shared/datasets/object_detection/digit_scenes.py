"""Scenes of handwritten digits: 1,500 grey images of 96x96 pixels, made of scikit-learn's digits.

A scene holds up to six digits, each at two to four times its size, anywhere, on a noisy
background; one scene in twenty is empty. Classes are long-tailed: a digit is c with a probability
in proportion to 1 / (c + 1), so that there are ten times as many 0 as 9. A box holds the digit's
ink; boxes hardly overlap.

The digits are split first, as those of image classification are (`num_folds`, `fold`,
`validation_fraction`), and every scene is made of the digits of its own split: none is seen in
two. Scenes are shared out as the digits are. `dataset.split_seed` decides everything.

Shapes: N digits, S scenes, C classes, H x W pixels, E the edge of a digit.
"""

import numpy as np
import numpy.typing as npt

from stages.shared.artifacts import SPLITS, Floats, Ints, Split
from stages.shared.datasets.reading import own_digits, splits
from stages.shared.datasets.reading.boxes_of_images import Object, list_of, strata
from stages.shared.datasets.reading.source_images import ArrayImages
from stages.shared.datasets.reading.sources import Source, refuse_file_params
from stages.shared.samples.decoding import Pixels
from stages.shared.samples.randomness import generator
from stages.shared.settings.sections import Dataset

NUM_SCENES = 1500
EDGE = 96  # pixels
MOST_DIGITS = 6
EMPTY = 0.05  # share of the scenes
NUM_CLASSES = 10
LEAST_EDGE, MOST_EDGE = 16, 32  # of a digit, 8 pixels in the original
LEAST_INK = 0.25  # of the strongest, where the box ends
FAINTEST = 0.5  # digit, 1 being white
BACKGROUND, NOISE = 0.1, 0.05  # mean and standard deviation
MOST_SHARED = 0.1  # of the smaller of two boxes
MOST_TRIES = 20  # to find a place for a digit


def load(params: Dataset) -> Source:
    """Return the scenes with their boxes.

    Raises:
        ParamsError: a parameter is set that only image files obey.
    """
    refuse_file_params(params)
    digits = own_digits.load()
    digits_NHW = digits.images_NHW / own_digits.HIGHEST
    images: list[Pixels] = []
    objects: list[list[Object]] = []
    given: list[Split] = []
    for split, rows_N in _pools(digits.targets_N, params).items():
        num = round(NUM_SCENES * len(rows_N) / len(digits_NHW))
        for number in range(num):
            rng = generator(params.split_seed, "scene", SPLITS.index(split), number)
            image_HW, found = _scene(digits_NHW[rows_N], digits.targets_N[rows_N], rng)
            images.append(image_HW)
            objects.append(found)
        given += [split] * num
    boxes = list_of(objects, digits.class_names)
    return Source(
        class_names=digits.class_names,
        targets_N=strata(boxes, NUM_CLASSES),
        sample_ids=[f"{split}/{number}" for number, split in enumerate(given)],
        given_splits=given,
        inputs=ArrayImages(np.stack(images)[..., np.newaxis]),
        boxes=boxes,
    )


def _pools(target_N: Ints, params: Dataset) -> dict[Split, Ints]:
    """Return the rows of the digits that each split's scenes are made of."""
    digits = Source(
        class_names=[str(number) for number in range(NUM_CLASSES)],
        targets_N=target_N.astype(np.int64),
        sample_ids=[str(row) for row in range(len(target_N))],
        given_splits=None,
        inputs=None,
    )
    # Groups are of scenes.
    return splits.assign(digits, params.model_copy(update={"groups": ""}))


def _scene(
    digits_NHW: Floats, target_N: Ints, rng: np.random.Generator
) -> tuple[Pixels, list[Object]]:
    """Return a scene, uint8 [H, W], and its digits."""
    image_HW = rng.normal(BACKGROUND, NOISE, (EDGE, EDGE))
    num = 0 if rng.random() < EMPTY else int(rng.integers(1, MOST_DIGITS + 1))
    weight_C = 1 / np.arange(1, NUM_CLASSES + 1)
    found: list[Object] = []
    for label in rng.choice(NUM_CLASSES, num, p=weight_C / weight_C.sum()).tolist():
        rows = np.flatnonzero(target_N == label)
        if not len(rows):  # a split as small as that has none of this digit
            continue
        row = rng.choice(rows)
        digit_EE = _enlarged(digits_NHW[row], int(rng.integers(LEAST_EDGE, MOST_EDGE + 1)))
        digit_EE *= rng.uniform(FAINTEST, 1)
        for _ in range(MOST_TRIES):
            top, left = rng.integers(0, EDGE - len(digit_EE) + 1, 2).tolist()
            box = _ink(digit_EE, left, top, str(label))
            if all(_shared(box, other) <= MOST_SHARED for other in found):
                place_EE = image_HW[top : top + len(digit_EE), left : left + len(digit_EE)]
                np.maximum(place_EE, digit_EE, out=place_EE)
                found.append(box)
                break
    return np.rint(image_HW.clip(0, 1) * 255).astype(np.uint8), found


def _enlarged(digit_HW: Floats, edge: int) -> Floats:
    """Return a digit at another size, interpolated linearly between the middles of its pixels."""
    size = len(digit_HW)
    at_E = ((np.arange(edge) + 0.5) * size / edge - 0.5).clip(0, size - 1)
    weight_EH = np.maximum(0, 1 - np.abs(at_E[:, np.newaxis] - np.arange(size)))
    return weight_EH @ digit_HW @ weight_EH.T


def _ink(digit_EE: Floats, left: int, top: int, label: str) -> Object:
    """Return the box of a digit's ink when its corner stands at left and top."""
    is_ink_EE: npt.NDArray[np.bool_] = digit_EE >= LEAST_INK * digit_EE.max()
    rows, columns = (np.flatnonzero(is_ink_EE.any(axis=axis)) for axis in (1, 0))
    return Object(
        label,
        float(left + columns[0]),
        float(top + rows[0]),
        float(left + columns[-1] + 1),
        float(top + rows[-1] + 1),
    )


def _shared(first: Object, second: Object) -> float:
    """Return the area that two boxes share, as a share of the smaller one's."""
    width = min(first.right, second.right) - max(first.left, second.left)
    height = min(first.bottom, second.bottom) - max(first.top, second.top)
    areas = [(box.right - box.left) * (box.bottom - box.top) for box in (first, second)]
    return max(0.0, width) * max(0.0, height) / min(areas)
