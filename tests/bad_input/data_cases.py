"""Data that prepare must refuse: how it is made, and above it the line that is said of it.

Everything lies in the folder `images`, which is dataset.root. In a line … stands for what another
library's version decides.
"""

import json
import os
import pickle
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import toy
from bad_input import png
from PIL import Image

ROOT = Path("images")
LISTS = ("dataset {name} in images: ", ". Every class needs train samples, ")
IMAGES = "every image must be readable and, without dataset.image_size, of one size"
BOXES = f"{IMAGES}, every box must have an area inside its image"
TEXTS = "every row must be class, title and text in UTF-8"
NEEDS = {
    "imagefolder": IMAGES,
    "huggingface_images": IMAGES,
    **dict.fromkeys(("voc", "coco", "yolo", "labelimg"), BOXES),
    **dict.fromkeys(("reviews", "huggingface_texts"), TEXTS),
}
# The parameters of their tasks.
PRESETS = {
    **dict.fromkeys(("voc", "coco", "yolo", "labelimg"), "detection_bccd"),
    "embeddings": "embeddings_cpu",
    "huggingface_texts": "svp_polarity_cpu",
    "amazon_polarity": "svp_polarity_cpu",
    "reviews": "svp_polarity_cpu",
}


@dataclass(frozen=True)
class Case:
    """What is wrong with some data."""

    make: Callable[[], object]
    line: str
    dataset: dict[str, Any]  # changed keys of params.yaml

    @property
    def preset(self) -> str:
        """The preset that is changed."""
        return PRESETS.get(self.dataset["name"], "default")


CASES: dict[str, Case] = {}


def case(
    line: str, name: str = "imagefolder", *, title: str = "", **dataset: Any
) -> Callable[[Any], Any]:
    """Say what prepare says of the data that a function makes, by its name or a title."""

    def add(make: Callable[[], object]) -> Callable[[], object]:
        changes = {"name": name, "root": "images", **dataset}
        CASES[title or make.__name__.replace("_", " ")] = Case(make, line, changes)
        return make

    return add


def wrong(problems: str, name: str = "imagefolder", **dataset: Any) -> Callable[[Any], Any]:
    """Say which problems prepare lists."""
    before, after = LISTS
    return case(f"{before.format(name=name)}{problems}{after}{NEEDS[name]}", name, **dataset)


def image(name: str, colour: object = 0, size: tuple[int, int] = (4, 4)) -> Path:
    """Write an image below the root."""
    path = ROOT / name
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, colour).save(path)
    return path


def good(*kinds: str, num: int = 8) -> None:
    """Write images of some classes, none like another."""
    for number, kind in enumerate(kinds or ("cat", "dog")):
        for row in range(num):
            image(f"{kind}/{row}.png", (number, row, len(kind)))


def write_params(base: str, **changes: object) -> None:
    """Write a params.yaml: that of a preset with some keys of dataset changed."""
    content = toy.resolved(base)
    content["dataset"].update({"validation_fraction": 0.25, **changes})
    toy.write_params(Path(), content)


# --- folders --------------------------------------------------------------------------------------


@case("dataset.root is 'images': no such folder; it must hold the data set")
def a_folder_that_is_missing():
    pass


@case("dataset.root is 'images': a file; it must hold the data set")
def a_file_in_the_place_of_the_folder():
    ROOT.write_text("no folder")


NO_IMAGE = "images: no image found; allowed are <class>/*, {train,val,test}/<class>/*, or a "


@case(f"{NO_IMAGE}manifest's rows")
def an_empty_folder():
    ROOT.mkdir()


@case(f"{NO_IMAGE}manifest's rows")
def classes_without_an_image():
    (ROOT / "cat").mkdir(parents=True)
    (ROOT / "dog").mkdir()


@case("dataset.root is 'images': no such folder; it must hold the data set")
def a_root_that_is_a_link_to_itself():
    ROOT.symlink_to("images")


@wrong("there is one class, 'cat'; two are needed")
def one_class():
    good("cat")


@wrong("class 'owl' is missing from train (1 in test)")
def a_class_in_test_only():
    good("train/cat", "train/dog", "test/cat", "test/dog")
    image("test/owl/1.png")


@wrong("class 'owl' is empty")
def a_class_without_images():
    good("train/cat", "train/dog", "test/cat")
    (ROOT / "train/owl").mkdir()


@case("images: holds test, val without train; train/<class>/* is needed beside")
def splits_without_train():
    good("val/cat", "test/cat")


@wrong(
    "the validation split is empty (of some class dataset.validation_fraction must be half a "
    "sample or group)"
)
def a_train_split_too_small_for_validation():
    good("train/cat", "train/dog", "test/cat", num=1)


# --- files ----------------------------------------------------------------------------------------


@wrong("'cat/3.jpg' cannot be read (image file is truncated (… bytes not processed))")
def a_jpeg_that_was_cut_short():
    good()
    noise_HWK = np.random.default_rng(0).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    path = ROOT / "cat/3.jpg"
    Image.fromarray(noise_HWK).save(path)
    path.write_bytes(path.read_bytes()[:-20])


# What a file of a class holds that is no image, and what is said of it beyond that.
NO_IMAGES = {
    "a file of no bytes": (b"", " (it is empty)"),
    "a text": (b"no image at all", ""),
    "a pickle": (pickle.dumps([1, 2, 3]), ""),
    "a web page": (b"<!DOCTYPE html><html><body>404</body></html>", " (it is a web page)"),
    "a photograph of a telephone": (
        b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(99),
        " (it is HEIC, which must be converted)",
    ),
    "a pointer of git lfs": (
        b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n",
        " (it is a pointer of Git LFS, which `git lfs pull` replaces)",
    ),
    "a drawing": (b"<svg xmlns='http://www.w3.org/2000/svg' width='4'/>", " (it is SVG)"),
    "a document": (b"%PDF-1.7 ", " (it is PDF)"),
}


def no_image(content: bytes) -> None:
    good()
    (ROOT / "cat/3.jpg").write_bytes(content)


for _title, (_content, _what) in NO_IMAGES.items():
    _add = wrong(f"'cat/3.jpg' is no image{_what}", title=f"{_title} that is called jpg")
    _add(partial(no_image, _content))


@wrong("'cat/3.png' cannot be read (…)")
def a_png_that_ends_within_its_header():
    good()
    (ROOT / "cat/3.png").write_bytes((ROOT / "dog/3.png").read_bytes()[:20])


@wrong("'cat/3.tif' cannot be read (pixels of more than 16 bits have no known range)")
def grey_of_32_bits():
    good()
    Image.fromarray(np.full((4, 4), 70_000, dtype=np.int32)).save(ROOT / "cat/3.tif")


@wrong("'cat/3.png' cannot be read (Is a directory)", manifest="list.csv")
def a_manifest_that_names_a_folder():
    good("x", "y")
    (ROOT / "cat/3.png").mkdir(parents=True)
    rows = [f"{kind}/{row}.png,{kind}," for kind in "xy" for row in range(8)]
    Path("list.csv").write_text("\n".join(["path,label,split", *rows, "cat/3.png,x,"]) + "\n")


@wrong("'cat/3.tif' cannot be read (floating-point pixels have no known range)")
def pixels_without_a_known_range():
    good()
    Image.new("F", (4, 4), 0.5).save(ROOT / "cat/3.tif")


@wrong("'dog/3.png' is 9x5, not 4x4 as the first image")
def images_of_mixed_sizes():
    good()
    image("dog/3.png", size=(9, 5))


@wrong("'cat/loop.png' cannot be read (Too many levels of symbolic links)")
def a_file_that_is_a_link_to_itself():
    good()
    (ROOT / "cat/loop.png").symlink_to("loop.png")


@wrong("'cat/gone.png' cannot be read (No such file or directory)")
def a_link_to_nowhere():
    good()
    (ROOT / "cat/gone.png").symlink_to("/nowhere.png")


@wrong(
    "'cat/a\\nb.png' is no image (it is empty); 'cat/a\\udcffb.png' is no image (it is empty); "
    "'cat/a, \"b\".png' is no image (it is empty)"
)
def broken_files_of_any_name():
    good()
    for name in (b'a, "b".png', b"a\nb.png", b"a\xffb.png"):
        (ROOT / "cat" / os.fsdecode(name)).write_bytes(b"")


@wrong(
    "'cat/bomb.png' cannot be read (Image size (900000000 pixels) exceeds limit of 178956970 "
    "pixels, could be decompression bomb DOS attack.)",
    image_size=4,
)
def a_decompression_bomb():
    good()
    png.write(ROOT / "cat/bomb.png", (30_000, 30_000), 1, png.GREY, bytes(3750))


@wrong(
    "'cat/bomb.png' cannot be read (Image size (100000000 pixels) exceeds limit of 89478485 "
    "pixels, could be decompression bomb DOS attack.)",
    image_size=4,
)
def a_decompression_bomb_of_which_pillow_only_warns():
    good()
    png.write(ROOT / "cat/bomb.png", (10_000, 10_000), 1, png.GREY, bytes(1250))


# --- lists of the user's --------------------------------------------------------------------------


def listed(*rows: str) -> None:
    good("x")
    Path("list.csv").write_text("\n".join(["path,label,split", *rows]) + "\n")


@case("list.csv: missing; it must be CSV with path,label,split", manifest="list.csv")
def a_manifest_that_is_missing():
    good()


@case("list\\x00.csv: cannot be read (embedded null byte); it must be CSV", manifest="list\0.csv")
def a_manifest_that_no_file_can_be():
    good()


@case("list.csv: its first line is file,label; it must be path,label,split", manifest="list.csv")
def a_manifest_without_a_column_of_paths():
    good()
    Path("list.csv").write_text("file,label\nx/1.png,cat\n")


@case("list.csv: line 2 has 2 fields; it must have 3", manifest="list.csv")
def a_manifest_with_a_short_row():
    listed("x/1.png,cat")


@case(
    "list.csv: cannot be read (field larger than field limit (131072)); it must be CSV",
    manifest="list.csv",
)
def a_manifest_with_a_huge_field():
    listed(f"{'x' * 200_000},cat,")


# --- texts ----------------------------------------------------------------------------------------


def reviews(*rows: str | bytes) -> None:
    ROOT.mkdir()
    usual = [b'"1","Bad","It broke."', b'"2","Good","It works."'] * 8
    lines = [*usual, *(row if isinstance(row, bytes) else row.encode() for row in rows)]
    (ROOT / "train.csv").write_bytes(b"\n".join(lines) + b"\n")


@case(
    "dataset amazon_polarity in images: train.csv line 17: the class is '3'; it must be a number "
    f"from 1 to 2. Every class needs train samples, {TEXTS}",
    "amazon_polarity",
)
def a_class_beyond_those_that_there_are():
    reviews('"3","Odd","It sings."')


@case(
    "images/train.csv: is UTF-16; save it as UTF-8, in a spreadsheet as 'CSV UTF-8'",
    "reviews",
)
def reviews_in_utf_16():
    reviews()
    (ROOT / "train.csv").write_bytes('"1","Bad","It broke."\n'.encode("utf-16"))


@wrong(
    "train.csv line 1: the class is 'class'; it must be a number from 1 to 1000 (there must be no "
    "header)",
    "reviews",
)
def reviews_with_a_header():
    reviews()
    usual = (ROOT / "train.csv").read_bytes()
    (ROOT / "train.csv").write_bytes(b"\xef\xbb\xbfclass,title,text\r\n" + usual)


@wrong(
    "train.csv line 17: has 1 fields; it must have 3: class, title, text, separated by commas, not "
    "by semicolons",
    "reviews",
)
def a_review_with_semicolons():
    reviews("1;Odd;It sings.")


# --- boxes ----------------------------------------------------------------------------------------


def coco(category: object = 1, box: object = (0, 0, 2, 2), file_name: str = "0.png") -> None:
    """Write scenes of which the last has another annotation."""
    names = [f"{row}.png" for row in range(8)]
    for name in names:
        image(f"images/{name}", int(name[0]))
    content = {
        "images": [
            {"id": row, "file_name": name, "width": 4, "height": 4}
            for row, name in enumerate([*names[1:], file_name])
        ],
        "annotations": [
            *({"image_id": row, "category_id": 1, "bbox": [0, 0, 2, 2]} for row in range(7)),
            {"image_id": 7, "category_id": category, "bbox": box},
        ],
        "categories": [{"id": 1, "name": "cat"}],
    }
    (ROOT / "annotations.json").write_text(json.dumps(content))


COCO = "it must be JSON in the form of COCO"
FINITE = "Input should be a finite number"


@case(f"images/annotations.json: annotations.7.bbox.0: {FINITE}; {COCO}", "coco")
def a_box_with_nan():
    coco(box=(float("nan"), 0, 2, 2))


@wrong("'images/../../list.png' is no path below dataset.root", "coco")
def a_scene_outside_the_root():
    coco(file_name="../../list.png")


@case(
    "images/annotations.json: the file: Invalid JSON: recursion limit exceeded at line 1 column "
    f"…; {COCO}",
    "coco",
)
def annotations_nested_without_end():
    coco()
    (ROOT / "annotations.json").write_text("[" * 100_000)


@case(f"images/annotations.json: images.0.width: Field required (and 1 more); {COCO}", "coco")
def an_image_without_a_size():
    coco()
    (ROOT / "annotations.json").write_text(
        '{"images": [{"id": 0, "file_name": "0.png"}], "annotations": [], "categories": []}'
    )


@case("images/annotations.json: category 1 has no name; it needs one", "coco")
def a_category_without_a_name():
    coco()
    content = json.loads((ROOT / "annotations.json").read_text())
    content["categories"][0]["name"] = " "
    (ROOT / "annotations.json").write_text(json.dumps(content))


def voc(annotation: str) -> None:
    """Write scenes of which the last has another annotation."""
    usual = (
        "<annotation><size><width>4</width><height>4</height></size><object><name>cat</name>"
        "<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>3</ymax></bndbox></object>"
        "</annotation>"
    )
    (ROOT / "Annotations").mkdir(parents=True)
    for row in range(8):
        image(f"JPEGImages/{row}.png", row)
        (ROOT / f"Annotations/{row}.xml").write_text(annotation if row == 7 else usual)


DOCTYPE = "'Annotations/7.xml' declares a document type; it must hold elements alone"


@wrong(DOCTYPE, "voc")
def a_billion_laughs():
    grown = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    voc(f'<!DOCTYPE a [<!ENTITY l0 "lol">{grown}]><annotation>&l9;</annotation>')


@wrong("'Annotations/7.xml' cannot be read (unknown encoding: gibberish)", "voc")
def an_annotation_in_an_encoding_that_nobody_knows():
    voc('<?xml version="1.0" encoding="gibberish"?><annotation/>')


@wrong("'Annotations/7.xml' cannot be read (not well-formed (invalid token): …)", "voc")
def an_annotation_that_does_not_say_its_encoding():
    voc("<annotation></annotation>")
    path = ROOT / "Annotations/7.xml"
    path.write_bytes(b"<annotation><object><name>\xe9</name></object></annotation>")


@wrong("'Annotations/7.xml' size/width is 'nan'; it must be a number", "voc")
def an_image_as_wide_as_nan():
    voc("<annotation><size><width>nan</width><height>4</height></size></annotation>")
