"""The stage on vectors: groups of all splits and of train alone, labels, copies and blanks."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
import toy
import toy_vectors
from PIL import Image

from stages.near_duplicates.__main__ import main
from stages.near_duplicates.all_samples import Scaled, Stacked, load
from stages.near_duplicates.search import first_of_equals
from stages.prepare.input_statistics import Moments
from stages.shared import artifacts
from stages.shared.artifacts import SPLITS, FileList, Meta, load_sample_ids
from stages.shared.artifacts.duplicate_groups import (
    load_blank,
    load_found,
    load_grouped,
    load_train_groups,
)
from stages.shared.networks.vector_batches import standardise

# Directions in degrees, and classes. Within 5 degrees are: t0, t1 and v0; t2 and its copy t4, of
# another class; v1, x0 and t3 as a chain by x0, which is no pair of train. x1 is blank.
SAMPLES = {
    "train": ([0, 4, 90, 180, 90], [0, 0, 1, 2, 0]),
    "validation": ([-4, 188], [0, 2]),
    "test": ([184, None], [2, 1]),
}
AT_5_DEGREES = float(np.cos(np.radians(5)))


def run(tmp_path, vectors, classes, threshold=0.95):
    """Run the stage on vectors by split, scaled by train as prepare does it; return its folder."""
    toy.write_params(
        tmp_path, toy_vectors.params(tmp_path) | {"near_duplicates": {"threshold": threshold}}
    )
    prepared = Path("prepared")
    for split, vectors_ND in vectors.items():
        artifacts.save_vectors(prepared, split, vectors_ND.dtype, vectors_ND.shape, [vectors_ND])
        artifacts.save_targets(prepared, split, np.array(classes[split]))
        ids = [f"{split}/{row}" for row in range(len(vectors_ND))]
        artifacts.save_sample_ids(prepared, split, ids)
    moments = Moments(vectors["train"].shape[1])
    moments.add(vectors["train"])
    mean, std = (values.tolist() for values in moments.mean_and_std())
    num = {split: len(vectors[split]) for split in SPLITS}
    meta = Meta("vector_classification", "toy", ["a", "b", "c"], [len(mean)], mean, std, num, "x")
    artifacts.save_meta(prepared, meta)
    main(prepared, Path("none"), Path("found"))
    return Path("found")


@pytest.fixture
def found(tmp_path, monkeypatch):
    """Run the stage on the samples; return its folder."""
    monkeypatch.chdir(tmp_path)
    # Scaling would move the directions.
    monkeypatch.setattr(Moments, "mean_and_std", lambda _: (np.zeros(16), np.ones(16)))
    vectors = {}
    for split, (degrees, _) in SAMPLES.items():
        turns = np.radians([0 if angle is None else angle for angle in degrees])
        plane = np.stack([np.cos(turns), np.sin(turns)], axis=1).astype(np.float32)
        plane[[angle is None for angle in degrees]] = 0
        vectors[split] = np.tile(plane, 8)
    classes = {split: classes for split, (_, classes) in SAMPLES.items()}
    return run(tmp_path, vectors, classes, AT_5_DEGREES)


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


def test_nothing_is_said_of_copies_in_one_split_and_of_what_is_nearly_equal(found, capsys):
    assert load_found(found).across_splits
    assert capsys.readouterr().err == ""


def table(num_columns):
    """Return 200 rows by split of numbers above 0, of scales of their own, and their classes."""
    rng = np.random.default_rng(0)
    rows = rng.normal(100, 10, (200, num_columns)) * np.geomspace(0.1, 1000, num_columns)
    vectors = dict(zip(SPLITS, np.split(rows.astype(np.float32), [120, 160]), strict=True))
    return vectors, {split: np.arange(len(rows)) % 3 for split, rows in vectors.items()}


def names_of_groups(folder):
    return [one.sample_id for one in load_grouped(folder)]


def test_rows_of_a_table_are_alike_where_their_scaled_numbers_are(tmp_path, monkeypatch):
    """Not for being above 0, for a flag that few have, or for a number that train never changes."""
    monkeypatch.chdir(tmp_path)
    vectors, classes = table(20)
    vectors["test"][3] = vectors["train"][7] * 1.01  # a tenth of a deviation
    for rows in vectors.values():
        rows[:, 1] = 0
        rows[:, 2] = 5
    vectors["train"][[10, 11], 1] = 1
    vectors["test"][[5, 6], 2] = 500
    folder = run(tmp_path, vectors, classes)
    assert load_found(folder).method == "exact"
    assert names_of_groups(folder) == ["train/7", "test/3"]


@pytest.mark.parametrize("num_columns", [1, 4, 15])
def test_of_few_numbers_copies_alone_are_found_and_no_blank_ones(
    tmp_path, monkeypatch, num_columns
):
    monkeypatch.chdir(tmp_path)
    vectors, classes = table(num_columns)
    vectors["train"][7] = 3  # all the same, as answers may be
    vectors["test"][3] = vectors["train"][9]
    folder = run(tmp_path, vectors, classes)
    found = load_found(folder)
    assert (found.method, found.across_splits, found.blank) == ("copies", 1, 0)
    assert names_of_groups(folder) == ["train/9", "test/3"]


@pytest.mark.parametrize("dtype", [np.float16, np.float32])
def test_vectors_are_scaled_as_models_read_them_but_cut_at_three_deviations(dtype):
    vectors_ND = np.array([[1, 5, 7], [2, 5, 7], [3, 6, 90]], dtype=dtype)
    mean, std = [1.5, 5.0, 7.0], [0.5, 0.0, 2.0]
    meta = Meta("vector_classification", "toy", ["a"], [3], mean, std, {}, "x")
    scaled = Scaled(Stacked([vectors_ND[:1], vectors_ND[1:]]), *np.float32([mean, std]))
    as_read = standardise(torch.from_numpy(vectors_ND), meta).numpy()
    assert scaled[:].dtype == np.float32
    assert scaled[:].tolist() == as_read.clip(-3, 3).tolist()
    assert scaled[np.array([2])].tolist() == [[3, 1, 3]]


def test_of_images_without_embeddings_copies_and_blanks_are_found(
    prepared, tmp_path, monkeypatch, capsys
):
    """The first of train again as its third and in test; and what is nearly of one grey."""
    monkeypatch.chdir(tmp_path)
    toy.write_params(tmp_path, toy.default_params())
    shutil.copytree(prepared, "prepared")
    train, test = (
        np.load(f"prepared/{split}/inputs.npy", mmap_mode="r+") for split in ("train", "test")
    )
    train[2] = test[1] = train[0]
    train[5, ...] = 100
    train[5, 0, 0] = 107
    train[6, ...] = 100
    train[6, 0, 0] = 108  # this is no blank
    main(Path("prepared"), Path("none"), Path("found"))
    ids = {split: load_sample_ids(Path("prepared"), split) for split in ("train", "test")}
    assert capsys.readouterr().err == (
        "warning: equal samples stand in two splits, which tests a model on what it has seen (see "
        f"`python -m commands.near_duplicates`): {ids['train'][0]!r} (train) and "
        f"{ids['test'][1]!r} (test)\n"
    )
    found = load_found(Path("found"))
    assert (found.method, found.recall) == ("copies", 1.0)
    assert (found.groups, found.copies, found.across_splits, found.blank) == (1, 1, 1, 1)
    grouped = [(one.split, one.sample_id) for one in load_grouped(Path("found"))]
    assert grouped == [
        ("train", ids["train"][0]),
        ("train", ids["train"][2]),
        ("test", ids["test"][1]),
    ]
    assert load_blank(Path("found")) == [ids["train"][5]]
    assert load_train_groups(Path("found/train"), 60).tolist() == [0, 1, 0, *range(3, 60)]


def test_of_files_those_with_one_checksum_are_looked_at(tmp_path, monkeypatch):
    """Equal checksums are no copies by themselves: the pixels of these files are compared."""
    monkeypatch.chdir(tmp_path)
    toy.write_params(tmp_path, toy.default_params())
    prepared, shown = Path("prepared"), {"a": 10, "b": 10, "c": 200, "d": None}
    for name, grey in shown.items():
        picture = np.arange(48).reshape(4, 4, 3) if grey is None else np.full((4, 4, 3), grey)
        Image.fromarray(picture.astype(np.uint8)).save(f"{name}.png")
    of_split = {"train": ["a", "c"], "validation": ["d"], "test": ["b"]}
    for split, names in of_split.items():
        checksum_N = np.array([9 if name == "d" else 7 for name in names])
        files = FileList(
            str(tmp_path), None, [4, 4, 3], [f"{name}.png" for name in names], checksum_N
        )
        artifacts.save_file_list(prepared, split, files)
        artifacts.save_sample_ids(prepared, split, names)
        artifacts.save_targets(prepared, split, np.zeros(len(names), dtype=np.int64))
    num = {split: len(names) for split, names in of_split.items()}
    meta = Meta("image_classification", "toy", ["x"], [4, 4, 3], [0.0] * 3, [1.0] * 3, num, "x")
    artifacts.save_meta(prepared, meta)
    main(prepared, Path("none"), Path("found"))
    assert [one.sample_id for one in load_grouped(Path("found"))] == ["a", "b"]
    assert load_blank(Path("found")) == ["a", "c", "b"]


def test_texts_are_copies_by_their_bytes_and_blank_without_a_letter(tmp_path):
    texts = [b"one", b" \n", b"two", b"one"]
    for split, some in {"train": texts[:2], "validation": texts[2:3], "test": texts[3:]}.items():
        lengths = np.array([len(text) for text in some])
        parts = [np.frombuffer(b"".join(some), dtype=np.uint8)]
        artifacts.save_sequences(tmp_path, split, "text_bytes", lengths, parts)
    found = load(tmp_path, None, "texts")
    assert found.vectors_ND is None
    assert first_of_equals(found.digest_N).tolist() == [0, 1, 2, 0]
    assert found.is_blank_N.tolist() == [False, True, False, False]
