"""Folders or a list of files give labelled samples in an order that only names decide."""

import os
import sys

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stages.shared.datasets.image_classification.imagefolder import load
from stages.shared.errors import DataError


def summary(source):
    """Each sample with its class and the split that the data gives it."""
    labels = [source.class_names[number] for number in source.targets_N]
    given = source.given_splits or [None] * len(labels)
    return list(zip(source.sample_ids, labels, given, strict=True))


def test_class_folders_without_splits(dataset, images):
    root = images("dog/2.png", "cat/10.PNG", "cat/1.jpeg", "dog/deep/er/3.png")
    source = load(dataset(root=str(root)))
    assert source.class_names == ["cat", "dog"]
    assert summary(source) == [
        ("cat/1.jpeg", "cat", None),
        ("cat/10.PNG", "cat", None),
        ("dog/2.png", "dog", None),
        ("dog/deep/er/3.png", "dog", None),
    ]


@pytest.mark.parametrize("name", ["val", "valid", "validation"])
def test_split_folders(dataset, images, name):
    root = images("train/cat/1.png", f"{name}/cat/1.png", "test/dog/1.png", "train/dog/1.png")
    assert sorted(summary(load(dataset(root=str(root))))) == sorted(
        [
            ("test/dog/1.png", "dog", "test"),
            ("train/cat/1.png", "cat", "train"),
            ("train/dog/1.png", "dog", "train"),
            (f"{name}/cat/1.png", "cat", "validation"),
        ]
    )


def test_a_class_may_be_called_train(dataset, images):
    root = images("train/1.png", "test/1.png", "plane/1.png")
    source = load(dataset(root=str(root)))
    assert source.class_names == ["plane", "test", "train"]
    assert source.given_splits is None


def test_an_empty_class_folder_is_a_class(dataset, images):
    root = images("train/cat/1.png", "test/cat/1.png")
    (root / "train" / "dog").mkdir()
    assert load(dataset(root=str(root))).class_names == ["cat", "dog"]


def test_other_files_are_left_out_and_counted_and_hidden_ones_left_out_in_silence(
    dataset, images, capsys
):
    root = images("train/cat/1.png", "train/stray.png", "extra/1.png")
    for name in ("train/cat/Thumbs.db", "train/cat/.DS_Store", ".hidden.png", "train/.x/1.png"):
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(b"")
    assert load(dataset(root=str(root))).sample_ids == ["train/cat/1.png"]
    said = capsys.readouterr().err
    assert "left out 2 files or folders" in said
    assert "'extra'" in said
    assert said.count("\n") == 1


def test_nothing_is_said_where_nothing_is_left_out(dataset, images, capsys):
    load(dataset(root=str(images("cat/1.png"))))
    assert capsys.readouterr().err == ""


def test_order_is_that_of_bytes_for_names_of_any_kind(dataset, images):
    odd = [b"b\xff.png", "ä.png".encode(), b"a,b.png", b"a b.png", b"line\nbreak.png", b'"q".png']
    names = [f"cat/{os.fsdecode(name)}" for name in odd]
    root = images(*names)
    assert load(dataset(root=str(root))).sample_ids == sorted(names, key=os.fsencode)


def test_the_image_of_a_row_is_that_of_its_sample_id(dataset, images, colour_of, read):
    names = [f"{kind}/image {number}.png" for kind in ("cat", "dog") for number in range(3)]
    source = load(dataset(root=str(images(*names))))
    colours = [colour_of(source.sample_ids[row]) for row in (4, 1)]
    assert read(source, [4, 1])[:, 0, 0].tolist() == colours


# --- the manifest --------------------------------------------------------------------------------


def listed(tmp_path, *rows):
    path = tmp_path / "manifest.csv"
    path.write_text("\n".join(["path,label,split", *rows]) + "\n")
    return str(path)


def test_a_manifest_gives_labels_and_splits(dataset, images, tmp_path):
    root = images("x/2.png", "1.png", "unlisted.png", 'x/a, "b".png')
    rows = ["x/2.png,cat,val", '"x/a, ""b"".png",dog,test', "1.png,cat,train"]
    source = load(dataset(root=str(root), manifest=listed(tmp_path, *rows)))
    assert source.class_names == ["cat", "dog"]
    assert summary(source) == [
        ("1.png", "cat", "train"),
        ("x/2.png", "cat", "validation"),
        ('x/a, "b".png', "dog", "test"),
    ]


def test_a_manifest_without_splits_gives_none(dataset, images, tmp_path):
    manifest = listed(tmp_path, "a.png,cat,", "b.png,dog,")
    source = load(dataset(root=str(images("a.png", "b.png")), manifest=manifest))
    assert source.given_splits is None


def test_a_manifest_gives_all_lines_a_split_or_none(dataset, images, tmp_path):
    root, manifest = images("a.png", "b.png"), listed(tmp_path, "a.png,cat,train", "b.png,cat,")
    with pytest.raises(DataError, match="line 3 and 0 others have no split; every line must"):
        load(dataset(root=str(root), manifest=manifest))


def test_what_an_editor_makes_of_a_manifest_makes_no_other_class_or_split(
    dataset, images, tmp_path
):
    """Spaces before a label, a split in capitals, a byte-order mark, blank lines."""
    manifest = tmp_path / "manifest.csv"
    lines = ["path,label,split", "a.png, cat,Train", "b.png ,cat ,train ", "", "c.png,dog,TEST", ""]
    manifest.write_bytes("\r\n".join(lines).encode("utf-8-sig"))
    root = images("a.png", "b.png", "c.png")
    source = load(dataset(root=str(root), manifest=str(manifest)))
    assert source.class_names == ["cat", "dog"]
    assert source.sample_ids == ["a.png", "b.png", "c.png"]
    assert source.given_splits == ["train", "train", "test"]
    assert source.problems == []


def test_a_file_whose_name_ends_with_a_space_is_found(dataset, images, tmp_path):
    root = images("a.png", "b.png")
    (root / "a.png").rename(root / "a.png ")
    manifest = listed(tmp_path, "a.png ,cat,", "b.png,cat,")
    assert load(dataset(root=str(root), manifest=manifest)).sample_ids == ["a.png ", "b.png"]


def test_a_path_that_a_mac_wrote_in_another_form_is_found(dataset, images, tmp_path):
    manifest = listed(tmp_path, "u\u0308.png,cat,", "b.png,cat,")
    root = images("\u00fc.png", "b.png")
    assert load(dataset(root=str(root), manifest=manifest)).sample_ids == ["b.png", "\u00fc.png"]


def test_all_that_is_wrong_with_a_manifest_is_told_at_once_with_the_numbers_of_its_lines(
    dataset, images, tmp_path
):
    root = images("x/a.png", "x/b.png")
    rows = ["x/a.png,cat,", "x\\b.png,cat,", "", "x/a.png,x\udce9,", ",cat,", "x/a.png,dog,"]
    manifest = tmp_path / "manifest.csv"
    text = "\n".join(["path,label,split", *rows])
    manifest.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(DataError) as error:
        load(dataset(root=str(root), manifest=str(manifest)))
    assert str(error.value) == (
        f"{manifest}: line 5 has the label 'x\\udce9' (byte 0xe9 is no UTF-8; save it as UTF-8); "
        "line 6 is ',cat,'; path and label are needed; line 7 names 'x/a.png' again, as line 2 does"
    )


FIELDS = {
    "number": [7, 8, 9],
    "label": ["p", "q", "r"],
    "path": ["b.png", "./x\\a.png", "c.png"],
    "breed": ["dog", "cat", "dog"],
    "split": ["train", "Training", "test"],
}


def write_table(file, **fields):
    """Write a table as CSV or Parquet."""
    if file.suffix == ".parquet":
        pq.write_table(pa.table(fields), file)
    else:
        lines = [",".join(fields), *(",".join(map(str, row)) for row in zip(*fields.values()))]  # noqa: B905
        file.write_text("\n".join(lines))
    return str(file)


@pytest.mark.parametrize("name", ["list.csv", "list.parquet"])
def test_a_setting_names_the_column_of_labels(dataset, images, tmp_path, name):
    root = images("x/a.png", "b.png", "c.png")
    manifest = write_table(tmp_path / name, **FIELDS)
    source = load(dataset(root=str(root), manifest=manifest, label_column="breed"))
    assert summary(source) == [
        ("b.png", "dog", "train"),
        ("c.png", "dog", "test"),
        ("x/a.png", "cat", "train"),
    ]


@pytest.mark.parametrize("name", ["list.csv", "list.parquet"])
def test_a_manifest_may_have_no_column_of_splits(dataset, images, tmp_path, name):
    root = images("a.png", "b.png")
    manifest = write_table(tmp_path / name, path=["a.png", "b.png"], label=[10, 9])
    source = load(dataset(root=str(root), manifest=manifest))
    assert source.given_splits is None
    assert source.class_names == ["10", "9"]


def test_without_pyarrow_a_parquet_manifest_says_how_to_install_it(dataset, tmp_path, monkeypatch):
    manifest = write_table(tmp_path / "list.parquet", path=["a.png"], label=["cat"])
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(DataError, match="`uv sync --extra parquet` installs it"):
        load(dataset(root=str(tmp_path), manifest=manifest))


@pytest.mark.parametrize("validation", ["val", "valid"])
def test_a_folder_of_yolos_classification_is_read(dataset, images, validation):
    """As Ultralytics wants it: train/<class>, val/<class> and perhaps test/<class>."""
    splits = {"train": "train", validation: "validation", "test": "test"}
    names = [f"{split}/{kind}/{split}.png" for split in splits for kind in ("cat", "dog")]
    source = load(dataset(root=str(images(*names))))
    assert source.class_names == ["cat", "dog"]
    assert sorted(zip(source.sample_ids, source.given_splits, strict=True)) == sorted(
        (name, splits[name.partition("/")[0]]) for name in names
    )
