"""Tests for data sets of vectors: how they are read, refused and written."""

import csv
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import toy_vectors

from stages.prepare import __main__ as prepare
from stages.prepare.input_statistics import Fingerprint, Moments
from stages.prepare.write_vectors import Writer
from stages.shared import artifacts
from stages.shared.datasets.reading import source_vectors
from stages.shared.datasets.vector_classification import digit_vectors, embeddings
from stages.shared.errors import UserError
from stages.shared.settings.params import load_params

Make = Callable[[Path], object]


def write(root: Path, split: str, vectors: np.ndarray, labels: list[object]) -> None:
    root.mkdir(parents=True, exist_ok=True)
    np.save(root / f"{split}.npy", vectors)
    write_labels(root / f"{split}.csv", [(f"{split}{n}", each) for n, each in enumerate(labels)])


def write_labels(path: Path, rows: list[tuple[object, object]]) -> None:
    with path.open("w", newline="") as file:
        csv.writer(file).writerows([("sample_id", "label"), *rows])


def load(root: Path):
    return embeddings.load(toy_vectors.dataset(root))


def read(source) -> np.ndarray:
    rows = np.arange(len(source.sample_ids))
    return np.concatenate([part for _, part in source.inputs.parts(rows)])


def test_numbers_and_labels_of_all_splits_stand_one_after_the_other(tmp_path):
    train, test = np.arange(6.0).reshape(3, 2), np.arange(4.0).reshape(2, 2)
    write(tmp_path, "train", train, ["b", "a", "b"])
    write(tmp_path, "test", test, ["a", "b"])
    source = load(tmp_path)
    assert source.problems == []
    assert source.class_names == ["a", "b"]
    assert source.targets_N.tolist() == [1, 0, 1, 0, 1]
    assert source.sample_ids == ["train0", "train1", "train2", "test0", "test1"]
    assert source.given_splits == ["train"] * 3 + ["test"] * 2
    np.testing.assert_array_equal(read(source), np.concatenate([train, test]))
    assert read(source).dtype == np.float32


def test_whole_numbers_are_classes_in_their_order(tmp_path):
    write(tmp_path, "train", np.zeros((3, 1)), [10, 9, -1])
    assert load(tmp_path).class_names == ["-1", "9", "10"]


@pytest.mark.parametrize("rows_at_a_time", [1, 2, 100])
def test_parts_are_the_rows_that_were_asked_for(tmp_path, monkeypatch, rows_at_a_time):
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((5, 3)).astype(np.float16)
    write(tmp_path, "train", vectors[:3], ["a", "b", "a"])
    write(tmp_path, "test", vectors[3:], ["a", "b"])
    monkeypatch.setattr(source_vectors, "CHUNK_BYTES", rows_at_a_time * 6)
    rows = np.array([4, 0, 3, 2])
    found = list(load(tmp_path).inputs.parts(rows))
    assert np.concatenate([rows for rows, _ in found]).tolist() == rows.tolist()
    np.testing.assert_array_equal(np.concatenate([part for _, part in found]), vectors[rows])
    assert found[0][1].dtype == np.float16


def columns(**extra: list[object]) -> pa.Table:
    return pa.table({"x": [0.5, 1.5], "label": ["cat", "dog"], "y": [3, 4], **extra})


def as_lists(**extra: list[object]) -> pa.Table:
    lists = [[0.5, 3.0], [1.5, 4.0]]
    return pa.table({"label": ["cat", "dog"], "embedding": lists, **extra})


@pytest.mark.parametrize("table", [columns(), as_lists()])
def test_parquet_gives_the_same_by_columns_and_by_lists(tmp_path, table):
    pq.write_table(table, tmp_path / "train.parquet")
    source = load(tmp_path)
    assert source.sample_ids == ["train/0", "train/1"]
    assert source.class_names == ["cat", "dog"]
    np.testing.assert_array_equal(read(source), [[0.5, 3.0], [1.5, 4.0]])


@pytest.mark.parametrize("column", ["__index_level_0__", "Unnamed: 0", ""])
def test_the_row_numbers_that_pandas_saves_are_not_learnt_from(tmp_path, capsys, column):
    table = {"x": [0.5, 1.5], "label": ["a", "b"], column: [0, 1]}
    pq.write_table(pa.table(table), tmp_path / "train.parquet")
    assert read(load(tmp_path)).tolist() == [[0.5], [1.5]]
    assert f"left out {column!r}" in capsys.readouterr().err


def test_parquet_may_bring_its_ids(tmp_path):
    pq.write_table(columns(sample_id=["p", "q"]), tmp_path / "train.parquet")
    assert load(tmp_path).sample_ids == ["p", "q"]


def test_columns_of_numbers_are_known_by_their_names_in_each_file(tmp_path):
    table = columns()
    pq.write_table(table, tmp_path / "train.parquet")
    pq.write_table(table.select(["y", "label", "x"]), tmp_path / "test.parquet")
    np.testing.assert_array_equal(read(load(tmp_path)), [[0.5, 3.0], [1.5, 4.0]] * 2)


def test_a_lone_column_of_lists_may_have_another_name_in_each_file(tmp_path):
    for split, name in (("train", "embedding"), ("test", "vector")):
        table = pa.table({name: [[0.5, 3.0], [1.5, 4.0]], "label": ["a", "b"]})
        pq.write_table(table, tmp_path / f"{split}.parquet")
    np.testing.assert_array_equal(read(load(tmp_path)), [[0.5, 3.0], [1.5, 4.0]] * 2)


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_a_setting_names_the_column_of_labels(tmp_path, form):
    if form == "csv":
        np.save(tmp_path / "train.npy", np.zeros((2, 1)))
        lines = ["note,kind,sample_id", "cat,x,p", "dog,y,q"]
        (tmp_path / "train.csv").write_text("\n".join(lines))
    else:
        table = pa.table({"number": [0.5, 1.5], "kind": ["x", "y"], "sample_id": ["p", "q"]})
        pq.write_table(table, tmp_path / "train.parquet")
    dataset = toy_vectors.dataset(tmp_path).model_copy(update={"label_column": "kind"})
    source = embeddings.load(dataset)
    assert (source.class_names, source.sample_ids) == (["x", "y"], ["p", "q"])
    assert source.inputs.shape == (1,)


def in_numpy(vectors: Any, labels: Sequence[object] = "ab", split: str = "train") -> Make:
    return lambda root: write(root, split, np.array(vectors), list(labels))


def in_parquet(split: str = "train", **fields: list[object]) -> Make:
    return lambda root: pq.write_table(pa.table(fields), root / f"{split}.parquet")


def all_of(*makes: Make) -> Make:
    return lambda root: [make(root) for make in makes]


ONE = np.zeros((2, 1))
BAD = np.zeros((40, 2))
BAD[33, 1] = np.nan
BAD[34, 0] = 1e300  # more than float32 holds
REFUSED: dict[str, tuple[Make, str]] = {
    "nothing": (all_of(), "found no train.npy"),
    "both": (
        all_of(in_numpy(ONE), in_parquet(x=[0.5, 1.5], label=["cat", "dog"])),
        "holds train.npy and train.parquet; one is allowed",
    ),
    "no labels": (
        lambda root: np.save(root / "train.npy", ONE),
        "train.csv: missing; it must be CSV with sample_id,label",
    ),
    "too few labels": (in_numpy(np.zeros((3, 1))), "train.npy has 3 rows and 2 labels"),
    "other length": (
        all_of(in_numpy(np.zeros((2, 3))), in_numpy(np.zeros((2, 4)), split="test")),
        "test.npy has 4 numbers a row, train.npy 3",
    ),
    "other columns": (
        all_of(
            in_parquet(label=["a", "b"], age=[30, 40], income=[1, 2]),
            in_parquet("test", label=["a", "b"], age=[30, 40], height=[1, 2]),
        ),
        "test.parquet: of the columns of train.parquet it lacks income, and beside them it has "
        "height; they must be the same",
    ),
    "a column twice": (
        lambda root: pq.write_table(
            pa.table([[1, 2], [3, 4], ["a", "b"]], ["x", "x", "label"]), root / "train.parquet"
        ),
        "train.parquet: has two columns called x; one is allowed",
    ),
    "same id": (
        all_of(
            in_numpy(ONE),
            lambda root: write_labels(root / "train.csv", [("p", "a"), ("p", "b")]),
        ),
        "the sample_id 'p' stands there twice",
    ),
    "pickled": (
        lambda root: np.save(root / "train.npy", np.array([{}, {}]), allow_pickle=True),
        "train.npy: cannot be read",
    ),
    "one dimension": (
        in_numpy(np.zeros(2)),
        "train.npy: holds float64 [2]; it must be numbers, a row for each sample",
    ),
    "words": (in_numpy([["x"], ["y"]]), "train.npy: holds <U1 [2, 1]; it must be numbers"),
    "cut": (
        all_of(
            in_numpy(np.zeros((200, 9)), "ab" * 100),
            lambda root: os.truncate(root / "train.npy", 500),
        ),
        "train.npy: cannot be read",
    ),
    "Parquet of words": (
        in_parquet(x=[0.5, 1.5], label=["cat", "dog"], y=[3, 4], z=["p", "q"]),
        "beside label and sample_id it has x, y, z; it must be",
    ),
    "ragged lists": (
        in_parquet(label=[*"abab"], v=[[1.0, 2.0], [3.0], [4.0, 5.0, 6.0], [7.0, 8.0]]),
        "beside label and sample_id it has v; it must be one column of lists of equal",
    ),
    "lists of words": (
        in_parquet(label=["a"], v=[["p", "q"]]),
        "beside label and sample_id it has v; it must be one column of lists",
    ),
    "empty label": (
        in_parquet(label=["a", None], v=[1.0, 2.0]),
        "train.parquet: row 1 has no label",
    ),
    "not finite": (
        in_numpy(BAD, "ab" * 20),
        "train.npy: row 33 holds a number that is not finite; train.npy: row 34 holds",
    ),
}


@pytest.mark.parametrize(("make", "line"), REFUSED.values(), ids=REFUSED)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, monkeypatch, make, line):
    root = tmp_path / "data"
    root.mkdir()
    make(root)
    monkeypatch.chdir(tmp_path)
    toy_vectors.write_params(tmp_path, root)
    with pytest.raises(UserError) as error:
        prepare.main(tmp_path / "prepared", tmp_path / "scratch")
    assert line in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "prepared").exists()


def test_moments_of_parts_are_those_of_the_whole():
    rng = np.random.default_rng(0)
    vectors = 1e4 + rng.standard_normal((1000, 3)) * [1e-2, 1.0, 0.0]
    moments = Moments(3)
    for part in np.split(vectors, [1, 7, 500]):
        moments.add(part)
    mean, std = moments.mean_and_std()
    np.testing.assert_allclose(mean, vectors.mean(axis=0), rtol=1e-12)
    np.testing.assert_allclose(std, vectors.std(axis=0), rtol=1e-9)


def test_prepared_vectors_are_those_of_the_splits(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    toy_vectors.write_params(tmp_path, tmp_path)
    rng = np.random.default_rng(0)
    vectors = rng.standard_normal((60, 4)).astype(np.float32)
    write(tmp_path, "train", vectors, ["a", "b", "c"] * 20)
    prepare.main(tmp_path / "prepared", tmp_path / "scratch")
    for split in artifacts.SPLITS:
        names = artifacts.load_sample_ids(tmp_path / "prepared", split)
        rows = [int(name.removeprefix("train")) for name in names]
        found = artifacts.load_vectors(tmp_path / "prepared", split)
        np.testing.assert_array_equal(found, vectors[rows])
        if split == "train":
            meta = artifacts.load_meta(tmp_path / "prepared")
            np.testing.assert_allclose(meta.mean, vectors[rows].mean(axis=0), atol=1e-7)
            np.testing.assert_allclose(meta.std, vectors[rows].std(axis=0), atol=1e-7)
    assert meta.input_shape == [4]


def test_reading_more_at_once_changes_no_byte(tmp_path, monkeypatch):
    source = digit_vectors.load(load_params().dataset).inputs
    rows, written = np.arange(0, 1797, 2), []
    for rows_at_a_time in (7, 1000):
        monkeypatch.setattr(source_vectors, "CHUNK_BYTES", rows_at_a_time * 64 * 4)
        folder, fingerprint = tmp_path / str(rows_at_a_time), Fingerprint()
        (folder / "test").mkdir(parents=True)
        Writer(folder, source, load_params().dataset).write_split("test", rows, fingerprint)
        written.append((fingerprint.hex(), (folder / "test/vectors.npy").read_bytes()))
    assert written[0] == written[1]
    assert np.load(tmp_path / "7/test/vectors.npy").max() == 16
