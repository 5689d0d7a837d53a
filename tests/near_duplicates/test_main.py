"""The stage on vectors: groups of all splits and of train alone, labels, copies and blanks."""

from pathlib import Path

import numpy as np
import pytest
import toy
import toy_vectors

from stages.near_duplicates.__main__ import main
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, Meta
from stages.shared.artifacts.duplicate_groups import (
    load_blank,
    load_found,
    load_grouped,
    load_train_groups,
)

# Directions in degrees, and classes. Within 5 degrees are: t0, t1 and v0; t2 and its copy t4, of
# another class; v1, x0 and t3 as a chain by x0, which is no pair of train. x1 is blank.
SAMPLES = {
    "train": ([0, 4, 90, 180, 90], [0, 0, 1, 2, 0]),
    "validation": ([-4, 188], [0, 2]),
    "test": ([184, None], [2, 1]),
}
AT_5_DEGREES = float(np.cos(np.radians(5)))


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Run the stage on the samples; return its folder."""
    monkeypatch.chdir(tmp_path)
    params = toy_vectors.params(tmp_path) | {"near_duplicates": {"threshold": AT_5_DEGREES}}
    toy.write_params(tmp_path, params)
    prepared = Path("prepared")
    for split, (degrees, classes) in SAMPLES.items():
        turns = np.radians([0 if angle is None else angle for angle in degrees])
        vectors = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
        vectors[[angle is None for angle in degrees]] = 0
        artifacts.save_vectors(prepared, split, np.float32, vectors.shape, [vectors])
        artifacts.save_targets(prepared, split, np.array(classes))
        ids = [f"{split}/{row}" for row in range(len(degrees))]
        artifacts.save_sample_ids(prepared, split, ids)
    num = {split: len(SAMPLES[split][0]) for split in SPLITS}
    names, ones = ["a", "b", "c"], [1.0, 1.0]
    meta = Meta("vector_classification", "toy", names, [2], [0.0, 0.0], ones, num, "x")
    artifacts.save_meta(prepared, meta)
    main(prepared, Path("none"), Path("found"))
    return Path("found")


def test_groups_are_chains_over_all_splits(found):
    groups = {}
    for one in load_grouped(found):
        groups.setdefault(one.group, []).append(one.sample_id)
    assert list(groups.values()) == [
        ["train/0", "train/1", "validation/0"],
        ["train/2", "train/4"],
        ["train/3", "validation/1", "test/0"],
    ]


def test_groups_of_train_know_nothing_of_other_splits(found):
    assert load_train_groups(found / "train", 5).tolist() == [0, 0, 2, 3, 2]


def test_the_counts_are_those_of_the_groups(found):
    numbers = vars(load_found(found))
    assert numbers == {
        "method": "exact",
        "threshold": AT_5_DEGREES,
        "recall": 1.0,
        "samples": 9,
        "grouped": 8,
        "groups": 3,
        "largest": 3,
        "across_splits": 2,
        "conflicting": 1,
        "copies": 1,
        "conflicting_copies": 1,
        "blank": 1,
    }
    assert load_blank(found) == ["test/1"]
    copies = {one.sample_id: one.copy for one in load_grouped(found) if one.copy}
    assert set(copies) == {"train/2", "train/4"}
    assert len(set(copies.values())) == 1


def test_images_without_embeddings_have_no_groups(prepared, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toy.write_params(tmp_path, toy.default_params())
    main(prepared, Path("none"), Path("found"))
    assert load_found(Path("found")).method == "none"
    assert load_grouped(Path("found")) == load_blank(Path("found")) == []
    assert load_train_groups(Path("found/train"), 60).tolist() == list(range(60))
