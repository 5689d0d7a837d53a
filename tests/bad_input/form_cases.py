"""Data of people's own forms that prepare must refuse: YOLO, LabelImg, Hugging Face, tables.

As data_cases.py, whose table of cases they join.
"""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from bad_input import data_cases
from bad_input.data_cases import ROOT, case, good, image, wrong
from PIL import Image

BEFORE = len(data_cases.CASES)

# --- YOLO -----------------------------------------------------------------------------------------

BOX = "0 0.5 0.5 0.5 0.5"


def yolo(*labels: str | bytes, **content: object) -> None:
    """Write twelve images of 4x4 pixels, the first with these labels, and data.yaml."""
    for row in range(12):
        image(f"images/{row:02d}.png", row)
        label = labels[row] if row < len(labels) else BOX
        text = label if isinstance(label, bytes) else label.encode()
        (ROOT / "labels").mkdir(exist_ok=True)
        (ROOT / f"labels/{row:02d}.txt").write_bytes(text)
    described({"train": "images", "names": ["cat"]} | content)


def described(content: object) -> None:
    ROOT.mkdir(exist_ok=True)
    text = content if isinstance(content, str) else yaml.safe_dump(content)
    (ROOT / "data.yaml").write_text(text)


def listed(*lines: str) -> None:
    """Write the images of the train split as a list."""
    yolo(train="train.txt")
    names = [f"images/{row:02d}.png" for row in range(12)]
    (ROOT / "train.txt").write_text("\n".join([*names, *lines]))


@case(
    "images: needs data.yaml, or one other .yaml file, with train, val and names, or else "
    "classes.txt; found none",
    "yolo",
)
def images_that_nothing_describes():
    image("images/1.png")


@case(
    "images: needs data.yaml, or one other .yaml file, with train, val and names, or else "
    "classes.txt; found a.yaml, b.yml",
    "yolo",
)
def two_descriptions():
    yolo()
    (ROOT / "data.yaml").rename(ROOT / "a.yaml")
    (ROOT / "b.yml").write_text("")


@case("images/data.yaml: cannot be read (…); it must be YAML", "yolo")
def a_description_of_brackets_in_brackets():
    described(f"names: {'[' * 500}")


@case("images/data.yaml: cannot be read (…python/object/apply:os.system…); it must be YAML", "yolo")
def a_description_that_would_run_a_program():
    described("train: images\nnames: [!!python/object/apply:os.system ['touch owned']]")


MAP = "images/data.yaml: must be a map with the keys train and names; val and test may be"


@case(MAP, "yolo")
def a_description_that_is_a_list():
    described(["train", "names"])


@case("images/data.yaml: names holds a list of 9; each class must be a word", "yolo")
def names_that_grow_when_they_are_written_out():
    lines = ["train: images", "a: &a [x, x, x, x, x, x, x, x, x]"]
    for this, before in zip("bcdefghij", "abcdefghi", strict=True):
        lines.append(f"{this}: &{this} [{', '.join([f'*{before}'] * 9)}]")
    described("\n".join([*lines, "names: [cat, *j]"]))


@case("images/data.yaml: train is a list of 1; it must be a path, or a list of paths", "yolo")
def a_place_that_holds_itself():
    described("train: [&a [*a]]\nnames: [cat]")


@case("images/data.yaml: names has the numbers 0, 2; they must be 0, 1, ...", "yolo")
def classes_with_a_hole():
    yolo(names={0: "cat", 2: "dog"})


@case(
    "images/data.yaml: nc is 3, and names has 2; they must agree; names has 'cat' twice; once is "
    "allowed; val is 5; it must be a path, or a list of paths; path is 7; it must be a folder",
    "yolo",
)
def a_description_with_four_faults():
    yolo(names=["cat", "cat"], nc=3, val=[5], path=7)


NC = "it must be the number of classes, at most 100000"


@case(f"images/data.yaml: nc is 'many'; {NC}", "yolo")
def a_number_of_classes_that_is_none():
    yolo(nc="many")


@case(f"images/data.yaml: nc is 1000000000000; {NC}", "yolo")
def more_classes_than_memory_holds():
    yolo(names=None, nc=10**12)


@case("images/data.yaml: class 1 has no name; needs train, the images to learn from", "yolo")
def a_class_without_a_name():
    yolo(train=None, names=["cat", " "])


@case("images/classes.txt: names no class; one is needed", "yolo")
def a_list_of_classes_that_is_empty():
    ROOT.mkdir()
    (ROOT / "classes.txt").write_text("\n\n")


@case("images/classes.txt: names has 'cat' twice; once is allowed", "yolo")
def a_list_of_classes_with_one_twice():
    ROOT.mkdir()
    (ROOT / "classes.txt").write_text("cat\ndog\ncat\n")


@wrong("'data.yaml' names 'imges', which is not there; looked for images/imges", "yolo")
def a_place_that_is_not_there():
    yolo(train=["images", "imges"])


@wrong("'data.yaml' names 'empty', which holds no image", "yolo")
def a_place_without_images():
    yolo(val="empty")
    (ROOT / "empty").mkdir()


@wrong(
    "'train.txt' line 13 names 'images/99.png', which is not there; 'train.txt' line 15 names "
    "'C:\\\\data\\\\7.png', which is not there",
    "yolo",
)
def a_list_that_names_what_is_not_there():
    listed("images/99.png", "", "C:\\data\\7.png")


@wrong("'data.yaml' lists 'images/03.png' twice, in train; once is allowed", "yolo")
def a_list_that_names_an_image_twice():
    listed("./images/03.png")


@case("images/train.txt: cannot be read (…); it must be UTF-8", "yolo")
def a_list_in_utf_16():
    yolo(train="train.txt")
    (ROOT / "train.txt").write_bytes("images/1.png\n".encode("utf-16"))


@wrong(
    "'data.yaml' names '….png', which is not below dataset.root; that must be a folder which holds "
    "data.yaml, its lists and all images",
    "yolo",
)
def images_outside_the_root():
    yolo(train=["images", "../elsewhere"])
    Path("elsewhere").mkdir()
    shutil.copy(ROOT / "images/01.png", "elsewhere")


@case(
    "images: none of 12 images has a file of labels; that of 'images/00.png' must be …00.txt",
    "yolo",
)
def images_without_any_labels():
    yolo()
    for path in ROOT.glob("labels/*.txt"):
        path.unlink()


@wrong("'labels/00.txt' line 1 has a box without an area inside the image", "yolo")
def a_polygon_that_is_a_line():
    yolo("0 0.5 0.1 0.5 0.2 0.5 0.3")


@wrong("'labels/00.txt' holds a polygon in line 3 and a box in line 1", "yolo")
def labels_of_two_kinds():
    yolo(f"{BOX}\n\n0 0 0 1 0 1 1")


@case(
    "params.yaml: dataset.label_column is 'kind'; yolo has its labels in annotations, so it must "
    "be empty",
    "yolo",
    label_column="kind",
)
def a_column_of_labels_where_there_are_boxes():
    yolo()


# --- LabelImg -------------------------------------------------------------------------------------

OBJECT = (
    "<object><name>cat</name><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>2</xmax><ymax>2</ymax>"
    "</bndbox></object>"
)


def labelimg(folder: str = "", num: int = 12) -> None:
    """Write images with an XML file each."""
    for row in range(num):
        image(f"{folder}{row:02d}.png", row)
        size = "<size><width>4</width><height>4</height></size>"
        (ROOT / f"{folder}{row:02d}.xml").write_text(f"<annotation>{size}{OBJECT}</annotation>")


@wrong("'03.xml' has no image beside it; '04.xml' has no image beside it", "labelimg")
def annotations_without_images():
    labelimg()
    (ROOT / "03.png").unlink()
    (ROOT / "04.png").unlink()


@wrong("'03.jpg' and '03.png' share a name; one is allowed", "labelimg")
def two_images_of_one_annotation():
    labelimg()
    shutil.copy(ROOT / "03.png", ROOT / "03.jpg")


@case(
    "images: 'train/00.png' lies in a folder of a split and '00.png' in none; all images must, or "
    "none",
    "labelimg",
)
def images_beside_the_folders_of_splits():
    labelimg("train/")
    labelimg(num=1)


@case("images: its folders of splits lack train, which is needed", "labelimg")
def images_to_test_alone():
    labelimg("test/")


@case(
    "images: none of 1 images has an XML file beside it, such as '1.png'; LabelImg's other form is "
    "dataset.name yolo",
    "labelimg",
)
def images_that_nobody_labelled():
    image("1.png")


@case(
    "images: none of 12 images has an XML file beside it, such as 'images/00.png'; "
    "'annotations/00.xml' lies elsewhere; folders JPEGImages and Annotations are dataset.name voc",
    "labelimg",
)
def images_and_annotations_in_two_folders():
    labelimg("images/")
    (ROOT / "annotations").mkdir()
    for row in range(12):
        (ROOT / f"images/{row:02d}.xml").rename(ROOT / f"annotations/{row:02d}.xml")


@case("images/JPEGImages: holds no image itself; folders in it are not read", "voc")
def images_of_voc_in_folders():
    image("JPEGImages/cats/00.png")
    (ROOT / "Annotations").mkdir()


@wrong("'05.xml' object 1: has no name", "labelimg")
def an_object_without_a_class():
    labelimg()
    text = (ROOT / "05.xml").read_text()
    (ROOT / "05.xml").write_text(text.replace("cat", " "))


# --- Hugging Face ---------------------------------------------------------------------------------

IMAGES, TEXTS = "huggingface_images", "huggingface_texts"


def picture(size: tuple[int, int] = (4, 4)) -> dict[str, object]:
    path = ROOT.parent / "picture.png"
    Image.new("RGB", size).save(path)
    return {"path": None, "bytes": path.read_bytes()}


def save(**columns: Sequence[Any]) -> None:
    """Save rows of Hugging Face: twelve pictures of two classes, some columns changed."""
    import datasets  # here: it takes most of a second

    content = {"image": [picture()] * 12, "label": ["cat", "dog"] * 6, **columns}
    table = datasets.Dataset.from_dict({name: kept for name, kept in content.items() if kept})
    for name in ("image", "left", "right"):
        if name in table.column_names:
            table = table.cast_column(name, datasets.Image())
    datasets.disable_progress_bars()
    table.save_to_disk(ROOT)


def parquet(name: str = "train.parquet", **columns: Sequence[Any]) -> None:
    """Write a Parquet file below the root."""
    (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), ROOT / name)


FORM = "it must be a data set that save_to_disk wrote, or hold Parquet files"


@case(f"images: cannot be read (…); {FORM}", IMAGES)
def a_folder_without_a_table():
    ROOT.mkdir()


@case("images/train.parquet: cannot be read (…); it must be Parquet", IMAGES)
def a_page_that_is_called_parquet():
    ROOT.mkdir()
    (ROOT / "train.parquet").write_bytes(b"<html></html>")


@case("images: has test without train; it is needed", TEXTS)
def a_table_to_test_alone():
    parquet("test.parquet", text=["a"], label=["x"])


@case(
    "images: has the splits extra, train; allowed are train, and beside it validation and test, "
    "once each",
    TEXTS,
)
def a_split_that_nobody_knows():
    parquet(text=["a"], label=["x"])
    parquet("extra.parquet", text=["a"], label=["x"])


@case("images: its splits have different columns; they must be the same", TEXTS)
def splits_of_other_columns():
    parquet(text=["a"], label=["x"])
    parquet("test.parquet", text=["a"], kind=["x"])


@case(
    "images: needs a column called label; found image, kind; dataset.label_column may name another",
    IMAGES,
)
def a_table_without_a_label():
    save(label=(), kind=["cat", "dog"] * 6)


@case(
    "images: has the columns image, label; dataset.label_column is 'breed', which must be one of "
    "them",
    IMAGES,
    label_column="breed",
)
def a_column_of_labels_that_is_not_there():
    save()


@case(
    "images: column 'label' holds list in row 0; it must be one name, or one whole number", IMAGES
)
def images_of_many_labels_each():
    save(label=[["cat", "dog"]] * 12)


@wrong("'train/1' has no label; 'train/2' has no label", TEXTS)
def texts_without_a_label():
    parquet(text=["a", "b", "c", "d"], label=["x", None, " ", "y"])


@wrong("'train/1' has an empty text; 'train/2' has an empty text", TEXTS)
def texts_that_are_empty():
    parquet(text=["a", "", None, "d"], label=["x", "x", "y", "y"])


@case("images: needs one column of texts, or one called text; found title, body", TEXTS)
def two_columns_of_texts():
    parquet(title=["a"], body=["b"], label=["x"])


@case("images: needs one column of images, or one called image; found label, x", IMAGES)
def a_table_without_images():
    save(image=(), x=[1] * 12)


@case("images: needs one column of images, or one called image; found left, right", IMAGES)
def two_columns_of_images():
    save(image=(), left=[picture()] * 12, right=[picture()] * 12)


@case("images: the sample_id 'p' stands there twice", IMAGES)
def two_rows_of_one_id():
    save(sample_id=["p", "p", *"abcdefghij"])


@wrong("'train/2' cannot be read (…); 'train/3' has no image", IMAGES)
def pictures_that_are_none():
    save(image=[picture(), picture(), {"path": None, "bytes": b"x"}, None, *[picture()] * 8])


@wrong("'train/7' is 5x5, not 4x4 as the first image", IMAGES)
def pictures_of_two_sizes():
    save(image=[*[picture()] * 7, picture((5, 5)), *[picture()] * 4])


@case(
    "params.yaml: dataset.manifest is 'list.csv', which lists files; huggingface_images is a "
    "table, so it must be an empty list",
    IMAGES,
    manifest="list.csv",
)
def a_manifest_beside_a_table():
    save()
    Path("list.csv").write_text("path,label,split\na.png,cat,\n")


# --- vectors --------------------------------------------------------------------------------------


def vectors(**columns: Sequence[Any]) -> None:
    parquet(**{"x": [0.5, 1.5], "label": ["cat", "dog"], **columns})


@case(
    "images/train.parquet: has the columns label and kind; take out the one that is no label",
    "embeddings",
    label_column="kind",
)
def numbers_beside_two_labels():
    vectors(kind=[1, 2])


@case(
    "images/train.parquet: column 'label' holds 0.5 in row 0; it must be one name, or one whole "
    "number",
    "embeddings",
)
def numbers_with_a_number_to_predict():
    vectors(label=[0.5, 1.5])


@case(
    "images/train.csv: has the columns label, kind besides sample_id; a sample has one label, so "
    "dataset.label_column must name its column",
    "embeddings",
)
def labels_of_vectors_in_two_columns():
    ROOT.mkdir()
    np.save(ROOT / "train.npy", np.zeros((2, 3)))
    (ROOT / "train.csv").write_text("sample_id,label,kind\np,cat,x\nq,dog,y\n")


# --- manifests in another form --------------------------------------------------------------------


def manifest(name: str, *lines: str) -> None:
    good("x")
    Path(name).write_text("\n".join(lines) + "\n")


def parquet_manifest(**columns: Sequence[Any]) -> None:
    good("x")
    usual = {"path": ["x/1.png", "x/2.png"], "label": ["cat", "dog"]}
    pq.write_table(pa.table({**usual, **columns}), "list.parquet")


SEVERAL = "a sample has one label, so dataset.label_column must name its column"


@case(f"list.csv: has the columns label, breed besides path; {SEVERAL}", manifest="list.csv")
def a_manifest_of_two_labels():
    manifest("list.csv", "path,label,breed,split", "x/1.png,cat,siamese,")


@case(
    "list.csv: needs a column called label; breed, colour may be it, and dataset.label_column must "
    "say which",
    manifest="list.csv",
)
def a_manifest_whose_label_has_another_name():
    manifest("list.csv", "path,breed,colour", "x/1.png,siamese,grey")


@case(
    "list.csv: has the columns path, breed; dataset.label_column is 'bred', which must be one of "
    "them",
    manifest="list.csv",
    label_column="bred",
)
def a_manifest_without_the_column_of_labels():
    manifest("list.csv", "path,breed", "x/1.png,siamese")


@case(
    "list.csv: has two columns called breed; one is allowed",
    manifest="list.csv",
    label_column="breed",
)
def a_manifest_with_the_column_twice():
    manifest("list.csv", "path,breed,breed", "x/1.png,siamese,grey")


@case(
    "params.yaml: dataset.label_column is 'breed'; folders of classes have no columns, so it must "
    "be empty",
    label_column="breed",
)
def a_column_of_labels_where_there_are_folders():
    good()


@case("list.parquet: cannot be read (…); it must be Parquet", manifest="list.parquet")
def a_manifest_that_is_no_parquet():
    manifest("list.parquet", "path,label,split")


@case(
    "list.parquet: has the columns file, label; it must have path,label,split",
    manifest="list.parquet",
)
def a_parquet_manifest_without_paths():
    good("x")
    pq.write_table(pa.table({"file": ["x/1.png"], "label": ["cat"]}), "list.parquet")


@case(
    f"list.parquet: has the columns label, cat, dog besides path; {SEVERAL}",
    manifest="list.parquet",
)
def a_parquet_manifest_of_one_column_for_each_class():
    parquet_manifest(cat=[1, 0], dog=[0, 1])


@case(
    "list.parquet: row 1 is ',dog,'; path and label are needed; row 2 has the split 'tset'; "
    "allowed are dev, test, testing, train, training, val, valid, validation or none; row 3 names "
    "'x/1.png' again, as row 0 does; row 4 has '../y.png'; it must be a path below root",
    manifest="list.parquet",
)
def a_parquet_manifest_with_four_faults():
    parquet_manifest(
        path=["x/1.png", None, "x/3.png", ".\\x\\1.png", "../y.png"],
        label=["cat", "dog", "dog", "cat", "cat"],
        split=["", "", "tset", "", ""],
    )


@case(
    "groups.csv: line 3 names 'cat/0.png' again, as line 2 does; a sample has one group",
    groups="groups.csv",
)
def a_sample_with_two_groups_written_in_two_ways():
    good()
    Path("groups.csv").write_text("path,group\ncat/0.png,a\n.\\cat\\0.png,b\n")


CASES = dict([*data_cases.CASES.items()][BEFORE:])
