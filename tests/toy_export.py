"""Finished runs on toy data whose subsets can be exported."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import toy
import toy_scenes
import toy_texts
import toy_vectors
from PIL import Image

from commands.export.__main__ import run
from stages.prepare.__main__ import main as prepare
from stages.shared import artifacts
from stages.shared.artifacts import Subset

PREPARED = Path("data/prepared")
NAN = float("nan")


def colour(name: str) -> tuple[int, ...]:
    """Return the colour that tells the image of this name from others."""
    return tuple(np.random.default_rng(list(os.fsencode(name))).integers(0, 256, 3).tolist())


def write_images(root: Path, names: Sequence[str]) -> None:
    """Write images of 4x4 pixels, each of its own colour."""
    for name in names:
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (4, 4), colour(name)).save(root / name, format="PNG")


class Exported:
    """A project in the working folder, prepared, with the subset 6 of the last round."""

    def __init__(self, content: dict[str, Any], **dataset: Any) -> None:
        self.content = content
        content["dataset"] |= dataset
        content |= {"seed_size": 2, "rounds": [{"from": 2, "to": 6}]}
        content["compare"]["subsets"] = ["selected", "full"]
        toy.write_params(Path(), content)

    @property
    def ids(self) -> list[str]:
        """The sample ids of the train split."""
        return artifacts.load_sample_ids(PREPARED, "train")

    def pick(self, rows: Sequence[int], name: str = "data/subsets/6/seed-0.csv") -> list[str]:
        """Write a subset; all but the first two picks have a score; return the ids."""
        scores = [NAN, NAN, *(0.5 - place for place in range(len(rows)))][: len(rows)]
        rounds = [0, 0, *[1] * len(rows)][: len(rows)]
        subset = Subset(*map(np.array, (rows, rounds, scores)))
        artifacts.save_subset(Path(name), subset)
        return [self.ids[row] for row in rows]

    def rows(self, *sample_ids: str) -> list[int]:
        """Return the rows of some sample ids."""
        return [self.ids.index(name) for name in sample_ids]


def folder_of_images(root: Path, names: Sequence[str], **dataset: Any) -> Exported:
    """Prepare image files; those below root/train are the train split but for a quarter."""
    write_images(root, names)
    made = Exported(toy.default_params(), name="imagefolder", root=str(root), **dataset)
    prepare(PREPARED, Path("data/ensembles/scratch"))
    return made


def arrays(sample_ids: Sequence[str] = ()) -> Exported:
    """Write a prepared data set whose images are in no files."""
    toy.write_prepared(PREPARED)
    artifacts.save_meta(PREPARED, replace(artifacts.load_meta(PREPARED), dataset="digits"))
    artifacts.save_sample_ids(PREPARED, "train", sample_ids or [str(7 * row) for row in range(60)])
    return Exported(toy.default_params())


def texts(root: Path) -> Exported:
    """Prepare short texts; those below root/train.csv are the train split but for a part."""
    toy_texts.write_csv(root / "train.csv", toy_texts.reviews(40))
    made = Exported(toy_texts.params(root))
    prepare(PREPARED, Path("data/ensembles/scratch"))
    return made


def table(root: Path, name: str) -> Exported:
    """Prepare the tables of texts or of vectors below `root`, in the form of this name."""
    made = Exported((toy_vectors if name == "embeddings" else toy_texts).params(root), name=name)
    prepare(PREPARED, Path("data/ensembles/scratch"))
    return made


def scenes(root: Path, **dataset: Any) -> Exported:
    """Prepare scenes with boxes, 52 pixels wide and 44 high; they are read as half of that."""
    toy_scenes.write_voc(root, {"train": 12, "val": 3, "test": 3})
    made = Exported(
        toy.resolved("detection_cpu"), name="voc", root=str(root), image_size=[26, 22], **dataset
    )
    prepare(PREPARED, Path("data/ensembles/scratch"))
    return made


def yolo_set(root: Path, dataset_root: Path) -> Exported:
    """Prepare the same scenes in YOLO's form, as the form `yolo` of all of them wrote them."""
    made = scenes(root)
    made.pick(range(len(made.ids)))
    export("yolo", dataset_root)
    return prepared_yolo(dataset_root)


def prepared_yolo(root: Path) -> Exported:
    """Prepare images that lie in YOLO's form."""
    made = Exported(toy.resolved("detection_cpu"), name="yolo", root=str(root), image_size=[26, 22])
    prepare(PREPARED, Path("data/ensembles/scratch"))
    return made


def export(form: str, output: Path | str, subset: str | None = None, **options: Any) -> Path:
    """Run the command as argparse would, options that are not given by their defaults."""
    defaults = {
        "csv": {"formulas": "refuse"},
        "text": {"ids": False, "null": False},
        "symlinks": {"repeat": False},
        "copy": {"repeat": False},
        "coco": {"repeat": False},
        "yolo": {"repeat": False},
    }
    run(form, Path(output), subset, **defaults.get(form, {}) | options)
    return Path(output)


def read_json(path: Path) -> Any:
    """Return the content of a JSON file."""
    return json.loads(path.read_text())
