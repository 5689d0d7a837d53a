"""Prepared data without meaning, as small as a calibration needs: only its size counts.

Shapes: N samples, A numbers of all of them.
"""

from dataclasses import replace
from pathlib import Path

import numpy as np

from stages.shared import artifacts, tasks
from stages.shared.artifacts import BoxList, Meta, Split, TextKind
from stages.shared.samples.randomness import generator

OBJECTS = 3  # of an image
LETTERS = 6  # of a word, the space after it included
SPLITS: tuple[Split, ...] = ("train", "validation")


def write(prepared: Path, meta: Meta, num_samples: int) -> Meta:
    """Write so many samples of train and of validation, as `meta` describes them; return theirs."""
    rng = generator(0, "calibration")
    for split in SPLITS:
        artifacts.save_targets(prepared, split, np.arange(num_samples) % meta.num_classes)
        artifacts.save_sample_ids(prepared, split, [f"{split}/{n}" for n in range(num_samples)])
        WRITERS[tasks.rules(meta.task).inputs](prepared, split, meta, num_samples, rng)
    written = replace(meta, num_samples=dict.fromkeys(SPLITS, num_samples))
    artifacts.save_meta(prepared, written)
    return written


def _write_images(
    prepared: Path, split: Split, meta: Meta, num_samples: int, rng: np.random.Generator
) -> None:
    pixels = rng.integers(0, 256, (num_samples, *meta.input_shape), dtype=np.uint8)
    artifacts.save_array(prepared / split / "inputs.npy", pixels)
    if not tasks.rules(meta.task).has_labels:
        artifacts.save_boxes(prepared, split, _boxes(meta, num_samples))


def _write_vectors(
    prepared: Path, split: Split, meta: Meta, num_samples: int, rng: np.random.Generator
) -> None:
    vectors_ND = rng.standard_normal((num_samples, *meta.input_shape), dtype=np.float32)
    artifacts.save_vectors(prepared, split, np.float32, vectors_ND.shape, [vectors_ND])


def _write_texts(
    prepared: Path, split: Split, meta: Meta, num_samples: int, rng: np.random.Generator
) -> None:
    """Write texts of the mean number of words."""
    num_words = max(1, round(meta.mean[0]))
    kinds: dict[TextKind, tuple[int, int, int]] = {
        "text_bytes": (num_words * LETTERS, ord("a"), ord("z")),
        "tokens": (num_words, 0, 2**31 - 1),
    }
    for kind, (length, least, most) in kinds.items():
        value_A = rng.integers(least, most, num_samples * length)
        artifacts.save_sequences(prepared, split, kind, np.full(num_samples, length), [value_A])


def _boxes(meta: Meta, num_samples: int) -> BoxList:
    """Return so many objects in each image, each in the middle of it."""
    height, width = meta.input_shape[:2]
    box = np.array([width // 4, height // 4, 3 * width // 4, 3 * height // 4], dtype=np.float32)
    num = OBJECTS * num_samples
    return BoxList(
        np.tile(box, (num, 1)),
        np.arange(num) % meta.num_classes,
        np.arange(0, num + 1, OBJECTS),
    )


WRITERS = {"images": _write_images, "texts": _write_texts, "vectors": _write_vectors}
