"""Subsets as other libraries read them, by the lines that the command's help shows."""

import json
import textwrap
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import toy
import toy_export
from toy_export import colour, export, read_json

from commands import export as documented
from stages.shared import artifacts
from stages.shared.datasets.object_detection import coco
from stages.shared.errors import DataError
from stages.shared.settings.sections import Dataset

NAMES = [f"{label}/{number}.png" for label in ("cat", "dog") for number in range(8)]
PICKS = [3, 0, 3, 2, 3]


def run_documented(begins, **names):
    """Run the lines of the help that stand below a sentence; return the names they set."""
    _, _, after = documented.__doc__.partition(f"\n{begins}")
    block = after.split("\n\n")[1]
    assert block.startswith("    "), begins
    exec(textwrap.dedent(block), names)  # they are what users paste
    return names


# --- PyTorch --------------------------------------------------------------------------------------


@pytest.mark.parametrize("below", ["", "train/"])
def test_a_torch_subset_of_an_image_folder_holds_each_pick(here, below):
    from torch.utils.data import Subset
    from torchvision.datasets import ImageFolder

    others = ["val/cat/0.png", "val/dog/0.png"] if below else []
    names = [f"{below}{name}" for name in NAMES]
    made = toy_export.folder_of_images(here / "images", [*names, *others])
    ids = made.pick(PICKS)
    export("csv", "subset.csv")
    dataset = ImageFolder(f"{here}/images/{below}")

    found = run_documented("With PyTorch, where", dataset=dataset, pd=pd, Subset=Subset)["subset"]

    # Once each, with the copies of a sample together.
    assert [image.getpixel((0, 0)) for image, _ in found] == [
        colour(name) for name in (ids[0],) * 3 + (ids[1], ids[3])
    ]
    assert [dataset.classes[label] for _, label in found] == [
        name.removeprefix(below).partition("/")[0] for name in (ids[0],) * 3 + (ids[1], ids[3])
    ]


def test_a_torch_subset_of_the_prepared_arrays_holds_each_pick_and_a_sampler_draws_it(here):
    import torch

    toy_export.arrays().pick(PICKS)
    export("csv", "subset.csv")
    inputs = artifacts.load_inputs(toy_export.PREPARED, "train")

    names = {"np": np, "pd": pd, "torch": torch, **vars(torch.utils.data)}
    found = run_documented("on the prepared arrays", **names)
    drawn = run_documented("or by a sampler", **found)["loader"]

    expected = inputs[[3, 3, 3, 0, 2]]
    np.testing.assert_array_equal(np.stack([image for image, _ in found["subset"]]), expected)
    [(images, _)] = drawn
    assert sorted(map(bytes, images.numpy())) == sorted(map(bytes, expected))
    assert torch.equal(found["dataset"][3][0], torch.tensor(inputs[3]))


# --- Hugging Face ---------------------------------------------------------------------------------


@pytest.fixture
def offline(tmp_path, monkeypatch):
    """Hugging Face's data sets without a network, their cache in the test's folder."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    import datasets

    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()
    return datasets


@pytest.mark.parametrize("below", ["", "train/"])
def test_rows_of_hugging_faces_imagefolder_are_exactly_the_picks(here, offline, below):
    # What prepare leaves out and Hugging Face takes moves the rows of all that follows.
    names = [f"{below}{name}" for name in NAMES]
    others = ["val/cat/0.png", "val/dog/0.png"] if below else []
    toy_export.write_images(here / "images", [f"{below}cat/0.ico"])
    made = toy_export.folder_of_images(here / "images", [*names, *others])
    ids = made.pick(PICKS)
    export("huggingface", "subset.json")

    found = run_documented(
        "With Hugging Face", json=json, Path=Path, load_dataset=offline.load_dataset
    )

    assert [image.getpixel((0, 0)) for image in found["subset"]["image"]] == list(map(colour, ids))
    assert found["rows"]["num_rows"] == len(found["dataset"]) == 17


def test_without_files_rows_are_those_of_the_source(here):
    toy_export.arrays([f"train/{3 * row}" for row in range(60)]).pick([4, 0, 4])

    assert read_json(export("huggingface", "subset.json")) == {
        "data_dir": None,
        "split": "train",
        "num_rows": None,
        "indices": [12, 0, 12],
    }


@pytest.mark.parametrize("name", ["huggingface_texts", "embeddings"])
def test_samples_that_have_names_are_found_in_the_users_table(here, offline, name):
    # Names that look like rows are those of other rows.
    names = [f"train/{row}" for row in reversed(range(40))]
    columns = {"label": ["cat", "dog"] * 20, "sample_id": names, "text": list(map(str, range(40)))}
    if name == "embeddings":
        columns["text"] = [0.5 * row for row in range(40)]
    (here / "set").mkdir()
    pq.write_table(pa.table(columns), here / "set/train.parquet")
    made = toy_export.table(here / "set", name)
    ids = made.pick(PICKS)

    rows = read_json(export("huggingface", "subset.json"))

    table = offline.load_dataset("parquet", data_files=str(here / "set/train.parquet"))
    assert table[rows["split"]].select(rows["indices"])["sample_id"] == ids
    assert rows["num_rows"] == 40
    renamed = columns | {"sample_id": list(map(str, range(40)))}
    pq.write_table(pa.table(renamed), here / "set/train.parquet")
    with pytest.raises(DataError, match=f"{ids[0]}': is not in .*/set any more; run `dvc repro`"):
        export("huggingface", "again.json")


def test_texts_are_rows_of_their_file_and_no_images(here):
    made = toy_export.texts(here / "reviews")
    ids = made.pick(PICKS)

    rows = read_json(export("huggingface", "subset.json"))

    assert [f"{rows['split']}/{row}" for row in rows["indices"]] == ids
    for form in ("symlinks", "copy", "fiftyone"):
        with pytest.raises(DataError, match=r"are no images; their forms .*, huggingface$"):
            export(form, "smaller")
    assert not Path("smaller").exists()


@pytest.mark.parametrize(
    ("ids", "says"),
    [
        (["train/1", "a.png"], "'a.png': is neither a file below dataset.root nor a row of its"),
        (["train/1", "test/2"], "samples are in the splits test, train; it must be one"),
    ],
)
def test_ids_that_are_no_rows_of_one_source_are_refused(here, ids, says):
    toy_export.arrays([*ids, *map(str, range(58))]).pick([0, 1])

    with pytest.raises(DataError, match=says):
        export("huggingface", "subset.json")
    assert not Path("subset.json").exists()


def test_a_file_that_hugging_face_takes_for_no_image_is_named(here, offline):
    names = [name.replace(".png", ".data") if "3" in name else name for name in NAMES]
    rows = "".join(f"{name},{name.partition('/')[0]},\n" for name in names)
    (here / "list.csv").write_text(f"path,label,split\n{rows}")
    made = toy_export.folder_of_images(here / "images", names, manifest=str(here / "list.csv"))
    made.pick(range(len(made.ids)))

    with pytest.raises(DataError, match=r"3.data': is no image to Hugging Face's imagefolder"):
        export("huggingface", "subset.json")


# --- FiftyOne -------------------------------------------------------------------------------------


def test_fiftyones_folder_has_labels_tags_and_scores(here):
    """In the form of fiftyone.Sample.to_dict, which FiftyOne's importer reads."""
    made = toy_export.folder_of_images(here / "images", NAMES)
    ids = made.pick(PICKS)

    folder = export("fiftyone", "subset")

    samples = read_json(folder / "samples.json")["samples"]
    assert samples[0] == {
        "filepath": f"{here}/images/{ids[0]}",
        "tags": ["subset 6", "round 0"],
        "ground_truth": {"_cls": "Classification", "label": ids[0].partition("/")[0]},
        "source_id": ids[0],
        "picks": 3,
        "round": 0,
        "score": None,
    }
    assert [(entry["picks"], entry["score"]) for entry in samples] == [
        (3, None),
        (1, None),
        (1, -0.5),
    ]
    assert read_json(folder / "metadata.json") == {
        "media_type": "image",
        "info": {"default_classes": ["cat", "dog"]},
    }


def test_fiftyones_folder_has_boxes_as_shares_of_the_image(here):
    made = toy_export.scenes(here / "scenes")
    made.pick(range(12))
    boxes = artifacts.load_boxes(toy_export.PREPARED, "train")

    samples = read_json(export("fiftyone", "subset") / "samples.json")["samples"]

    found = [entry["ground_truth"]["detections"] for entry in samples]
    assert list(map(len, found)) == boxes.count_N.tolist()
    flat = [entry for of_image in found for entry in of_image]
    assert [entry["label"] for entry in flat] == [["bright", "dim"][x] for x in boxes.class_A]
    left, top, width, height = np.array([entry["bounding_box"] for entry in flat]).T
    shares = np.stack([left, top, left + width, top + height], axis=1)
    np.testing.assert_allclose(shares * [26, 22, 26, 22], boxes.box_A4, atol=1e-5)
    assert shares.min() >= 0
    assert shares.max() <= 1


def test_fiftyones_folder_holds_images_that_are_in_no_files(here):
    toy_export.arrays().pick([2, 0])

    folder = export("fiftyone", "subset")

    paths = [entry["filepath"] for entry in read_json(folder / "samples.json")["samples"]]
    assert paths == ["data/14.png", "data/0.png"]
    assert all((folder / path).is_file() for path in paths)


# --- COCO -----------------------------------------------------------------------------------------


def load_coco(root):
    return coco.load(
        Dataset(**toy.default_params()["dataset"] | {"name": "coco", "root": str(root)})
    )


def boxes_of_voc(here, ids):
    """Return the boxes and classes of some scenes as they were written, by another loader."""
    from stages.shared.datasets.object_detection import voc

    settings = toy.default_params()["dataset"] | {"name": "voc", "root": str(here / "scenes")}
    source = voc.load(Dataset(**settings))
    rows = np.array([source.sample_ids.index(name) for name in ids])
    return source.boxes.of(rows)


def test_our_own_loader_reads_the_boxes_of_the_files_as_they_were_before_prepare_scaled_them(here):
    made = toy_export.scenes(here / "scenes")
    ids = made.pick([3, 0, 3, 2, 7, 5])
    (here / "again").mkdir()
    (here / "again/images").symlink_to(here / "scenes")

    export("coco", here / "again/annotations.json")

    source = load_coco(here / "again")
    once = sorted(set(ids))
    expected = boxes_of_voc(here, once)
    assert source.problems == []
    assert source.sample_ids == [f"images/{name}" for name in once]
    np.testing.assert_allclose(source.boxes.box_A4, expected.box_A4, atol=1e-4)
    assert len(expected.box_A4) > 3
    assert source.boxes.class_A.tolist() == expected.class_A.tolist()
    assert source.boxes.offset_N1.tolist() == expected.offset_N1.tolist()


def test_faster_coco_eval_reads_a_sample_once_with_its_picks_or_as_often_as_it_was_picked(here):
    from faster_coco_eval import COCO

    made = toy_export.scenes(here / "scenes")
    ids = made.pick(PICKS)
    counts = artifacts.load_boxes(toy_export.PREPARED, "train").count_N

    once = COCO(str(export("coco", "once.json")))
    repeated = COCO(str(export("coco", "repeated.json", repeat=True)))

    first = once.loadImgs([1])[0]
    assert first == {
        "id": 1,
        "file_name": ids[0],
        "width": 52,
        "height": 44,
        "picks": 3,
        "round": 0,
        "score": None,
    }
    assert [image["file_name"] for image in once.dataset["images"]] == [ids[0], ids[1], ids[3]]
    assert [image["file_name"] for image in repeated.dataset["images"]] == ids
    assert [len(repeated.getAnnIds(imgIds=[number])) for number in range(1, 6)] == (
        counts[PICKS].tolist()
    )
    assert [entry["name"] for entry in once.loadCats(once.getCatIds())] == ["bright", "dim"]
    for entry in once.loadAnns(once.getAnnIds()):
        assert entry["area"] == pytest.approx(entry["bbox"][2] * entry["bbox"][3])


@pytest.mark.parametrize("form", ["symlinks", "copy"])
def test_a_folder_of_scenes_is_one_that_our_own_loader_reads(here, form):
    made = toy_export.scenes(here / "scenes")
    ids = made.pick(PICKS)

    source = load_coco(export(form, "smaller", repeat=True))

    assert source.problems == []
    assert len(source.sample_ids) == 5
    expected = boxes_of_voc(here, sorted(ids))
    # Copies stand beside what they are copies of.
    np.testing.assert_allclose(source.boxes.box_A4, expected.box_A4, atol=1e-4)


def test_what_has_no_boxes_is_no_coco(here):
    toy_export.arrays().pick([0])

    with pytest.raises(DataError, match="coco needs boxes; image_classification has none"):
        export("coco", "subset.json")
