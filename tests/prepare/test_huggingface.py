"""Data sets of Hugging Face's `datasets`: images and texts, saved to disk or as Parquet."""

import io
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from datasets import ClassLabel, DatasetDict, Features, Image, Value
from datasets import Dataset as Table
from PIL import Image as Picture

from stages.shared.datasets.image_classification import huggingface_images, imagefolder
from stages.shared.datasets.text_classification import huggingface_texts
from stages.shared.datasets.text_classification.reviews import load_reviews
from stages.shared.errors import DataError, ParamsError

FEATURES = Features({"image": Image(), "label": ClassLabel(names=["cat", "dog"])})


@pytest.fixture(autouse=True)
def without_progress_bars():
    datasets.disable_progress_bars()
    yield
    datasets.enable_progress_bars()


def picture(number: int, size=(6, 4)) -> Picture.Image:
    return Picture.new("RGB", size, (number, 2 * number, 3 * number))


def images(labels: list[int | None], first: int = 0, **columns) -> Table:
    pictures = [picture(first + number) for number in range(len(labels))]
    features = Features({**FEATURES, **{name: Value("string") for name in columns}})
    return Table.from_dict({"image": pictures, "label": labels, **columns}, features=features)


def save(table: Table, root: Path) -> None:
    table.save_to_disk(root)


def save_splits(parts: dict[str, Table], root: Path) -> None:
    DatasetDict(parts).save_to_disk(root)


def save_parquet(parts: dict[str, Table], root: Path) -> None:
    (root / "data").mkdir(parents=True)
    for name, part in parts.items():
        for shard in range(2):
            some = part.shard(2, shard, contiguous=True)
            some.to_parquet(root / f"data/{name}-{shard:05d}-of-00002.parquet")


@pytest.mark.parametrize("write", [save_splits, save_parquet])
def test_all_splits_are_read_in_their_order(tmp_path, dataset, read, write):
    write({"test": images([0, 1], 10), "train": images([1, 0, 1])}, tmp_path / "set")
    source = huggingface_images.load(dataset(root=str(tmp_path / "set")))
    assert source.class_names == ["cat", "dog"]
    assert source.sample_ids == ["train/0", "train/1", "train/2", "test/0", "test/1"]
    assert source.given_splits == ["train"] * 3 + ["test"] * 2
    assert source.targets_N.tolist() == [1, 0, 1, 0, 1]
    assert source.inputs.shape == (4, 6, 3)
    assert read(source, [3, 1])[:, 0, 0, 0].tolist() == [10, 1]
    assert source.problems == []


def test_a_single_data_set_has_no_splits_and_may_be_a_selection(tmp_path, dataset, read):
    save(images([1, 0, 1, 0]).select([3, 0, 1]), tmp_path / "set")
    source = huggingface_images.load(dataset(root=str(tmp_path / "set"), image_size=2))
    assert source.given_splits is None
    assert source.targets_N.tolist() == [0, 1, 0]
    assert read(source, [0, 1, 2])[:, 0, 0, 0].tolist() == [3, 0, 1]


def test_a_column_names_the_samples(tmp_path, dataset):
    save(images([1, 0], sample_id=["p", "q"]), tmp_path / "set")
    assert huggingface_images.load(dataset(root=str(tmp_path / "set"))).sample_ids == ["p", "q"]


def test_nothing_is_written_into_the_users_folder(tmp_path, dataset, read):
    """No copy of the images, which would also be a change that the listing sees."""
    save_splits({"train": images([0, 1, 0]), "test": images([0, 1])}, tmp_path / "set")
    before = sorted(tmp_path.rglob("*"))
    read(huggingface_images.load(dataset(root=str(tmp_path / "set"))), [0, 4])
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("write", [save_splits, save_parquet])
def test_a_setting_names_the_column_of_labels(tmp_path, dataset, write):
    """Of several that may be it, and before the usual name."""
    table = images([0, 1, 0]).add_column("breed", ["x", "y", "y"])
    write({"train": table}, tmp_path / "set")
    root = str(tmp_path / "set")
    assert huggingface_images.load(dataset(root=root)).class_names == ["cat", "dog"]
    source = huggingface_images.load(dataset(root=root, label_column="breed"))
    assert (source.class_names, source.targets_N.tolist()) == (["x", "y"], [0, 1, 1])


def test_whole_numbers_with_gaps_among_them_are_classes(tmp_path, dataset):
    """Pandas keeps such a column as numbers with a point."""
    table = Table.from_dict({"text": ["a", "b", "c"], "stars": [10.0, 2.0, None]})
    save_parquet({"train": table}, tmp_path / "set")
    source = huggingface_texts.load(dataset(root=str(tmp_path / "set"), label_column="stars"))
    assert {*source.class_names} == {"", "2", "10"}
    assert source.problems == ["'train/2' has no label"]


def test_a_folder_of_images_gives_the_same(tmp_path, dataset, read):
    root = tmp_path / "folder"
    rows: dict[str, list] = {"sample_id": [], "image": [], "label": []}
    for number, label in enumerate(["cat", "dog", "cat", "dog"]):
        path = root / label / f"{number}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        picture(40 * number, (9, 7)).save(path)
    for path in sorted(root.rglob("*.jpg")):
        rows["sample_id"].append(path.relative_to(root).as_posix())
        rows["image"].append({"path": None, "bytes": path.read_bytes()})
        rows["label"].append(path.parent.name)
    save(Table.from_dict(rows).cast_column("image", Image()), tmp_path / "set")
    wanted = imagefolder.load(dataset(root=str(root), image_size=5))
    found = huggingface_images.load(dataset(root=str(tmp_path / "set"), image_size=5))
    assert found.sample_ids == wanted.sample_ids
    assert found.class_names == wanted.class_names
    assert found.targets_N.tolist() == wanted.targets_N.tolist()
    np.testing.assert_array_equal(read(found, range(4)), read(wanted, range(4)))


def test_images_may_be_files_that_the_table_names(tmp_path, dataset, read):
    picture(7).save(tmp_path / "a.png")
    table = Table.from_dict({"image": [str(tmp_path / "a.png")], "label": [0]})
    save(table.cast(FEATURES), tmp_path / "set")
    source = huggingface_images.load(dataset(root=str(tmp_path / "set")))
    assert read(source, [0])[0, 0, 0].tolist() == [7, 14, 21]


@pytest.mark.parametrize("is_struct", [True, False])
def test_bytes_are_images_though_nothing_says_so(tmp_path, dataset, read, is_struct):
    """As pandas writes a table of images: without what `datasets` notes of its columns."""
    files = []
    for number in range(3):
        file = io.BytesIO()
        picture(number).save(file, "PNG")
        files.append(file.getvalue())
    column = [{"bytes": each, "path": None} for each in files] if is_struct else files
    (tmp_path / "set").mkdir()
    table = pa.table({"image": column, "label": [0, 1, 0]})
    pq.write_table(table, tmp_path / "set/train.parquet")
    source = huggingface_images.load(dataset(root=str(tmp_path / "set")))
    assert read(source, [2, 0, 1])[:, 0, 0].tolist() == [[2, 4, 6], [0, 0, 0], [1, 2, 3]]


def test_a_file_that_was_not_downloaded_is_named(tmp_path, dataset):
    save_parquet({"train": images([0, 1, 0, 1])}, tmp_path / "set")
    (tmp_path / "set/data/train-00001-of-00002.parquet").unlink()
    with pytest.raises(DataError, match="of the 2 files of train number 1 is missing"):
        huggingface_images.load(dataset(root=str(tmp_path / "set")))
    (tmp_path / "set/data/train-00000-of-00002.parquet").write_text(
        "version https://git-lfs.github.com/spec/v1"
    )
    (tmp_path / "set/data/train-00001-of-00002.parquet").touch()
    with pytest.raises(DataError, match="a pointer of Git LFS, which `git lfs pull` replaces"):
        huggingface_images.load(dataset(root=str(tmp_path / "set")))


def test_what_is_wrong_with_samples_is_listed(tmp_path, dataset):
    buffer = io.BytesIO()
    picture(1, (3, 3)).save(buffer, "PNG")
    rows = [b"no image", None, buffer.getvalue()]
    pictures = [content and {"path": None, "bytes": content} for content in rows]
    table = Table.from_dict({"image": pictures, "label": ["a", "", None]})
    save(table.cast_column("image", Image()), tmp_path / "set")
    source = huggingface_images.load(dataset(root=str(tmp_path / "set")))
    assert source.problems == ["'train/1' has no label", "'train/2' has no label"]
    (decoded,) = source.inputs.read(np.arange(3))
    assert decoded.problems[0].startswith("'train/0' cannot be read")
    assert decoded.problems[1] == "'train/1' has no image"
    assert source.inputs.shape == (3, 3, 3)


def test_labels_that_are_missing_by_their_number_are_listed(tmp_path, dataset):
    save(images([0, -1]), tmp_path / "set")
    source = huggingface_images.load(dataset(root=str(tmp_path / "set")))
    assert source.problems == ["'train/1' has no label"]


def test_names_without_a_sample_are_no_classes(tmp_path, dataset, capsys):
    """As `filter` leaves them."""
    table = images([1, 0, 1]).cast_column("label", ClassLabel(names=["a", "b", "c"]))
    save(table.filter(lambda row: row["label"] == 1), tmp_path / "set")
    source = huggingface_images.load(dataset(root=str(tmp_path / "set")))
    assert source.class_names == ["b"]
    assert source.targets_N.tolist() == [0, 0]
    assert "left out 2 classes without a sample: 'a'; 'c'\n" in capsys.readouterr().err


def test_texts_are_those_of_the_csv_form(tmp_path, dataset):
    texts = ["Good film, really", "BAD  one é", "so so"]
    features = Features({"text": Value("string"), "stars": ClassLabel(names=["low", "high"])})
    table = Table.from_dict({"text": texts, "stars": [1, 0, 1]}, features=features)
    save_parquet({"train": table}, tmp_path / "set")
    (tmp_path / "csv").mkdir()
    lines = (f'"{label}","","{text}"\n' for label, text in zip("212", texts, strict=True))
    (tmp_path / "csv/train.csv").write_text("".join(lines))
    found = huggingface_texts.load(dataset(root=str(tmp_path / "set"))).inputs
    wanted = load_reviews(dataset(root=str(tmp_path / "csv"))).inputs
    for kind in ("texts", "words"):
        for name in ("value_A", "offset_N1"):
            np.testing.assert_array_equal(
                getattr(getattr(found, kind), name), getattr(getattr(wanted, kind), name)
            )
    assert huggingface_texts.load(dataset(root=str(tmp_path / "set"))).class_names == [
        "low",
        "high",
    ]


def broken(root):
    save(images([0, 1]), root)
    (root / "state.json").write_text("{")


def validation_twice(root):
    save_splits({"train": images([0, 1]), "val": images([0]), "dev": images([1])}, root)


def two_labels(root):
    table = images([0, 1]).rename_column("label", "fine")
    save(table.add_column("coarse", [0, 1]).cast_column("coarse", FEATURES["label"]), root)


def one_split_in_two_folders(root):
    save_parquet({"train": images([0, 1])}, root)
    images([0, 1]).to_parquet(root / "train.parquet")


REFUSED = {
    one_split_in_two_folders: "00002.parquet: both hold train; files of a split must",
    broken: "cannot be read",
    validation_twice: "has the splits train, val, dev; allowed are train",
    two_labels: "fine, coarse may be it, and dataset.label_column must say which",
}


@pytest.mark.parametrize("make", REFUSED, ids=lambda make: make.__name__)
def test_what_cannot_be_used_is_refused_in_one_line(tmp_path, dataset, make):
    make(tmp_path / "set")
    with pytest.raises(DataError) as error:
        huggingface_images.load(dataset(root=str(tmp_path / "set")))
    assert REFUSED[make] in str(error.value)
    assert "\n" not in str(error.value)


def test_files_are_refused(tmp_path, dataset):
    with pytest.raises(ParamsError, match="has no image files"):
        huggingface_images.load(dataset(root=str(tmp_path), storage="files"))
