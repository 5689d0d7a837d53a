"""Toy scenes: bright and dim rectangles on noise, which tests of object detection share."""

from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from stages.shared import artifacts
from stages.shared.artifacts import BoxList, Checkpoint, Ensemble, Meta

SIZE = (44, 52)  # height and width; no level of a network divides them
NUM_SCENES = {"train": 40, "validation": 12, "test": 24}
CLASS_NAMES = ["bright", "dim"]
GREY = (240, 140)


def scene(rng: np.random.Generator) -> tuple[np.ndarray, list[list[int]], list[int]]:
    """Return an image with up to three rectangles that do not overlap, their boxes and classes."""
    image = rng.integers(0, 40, (*SIZE, 1)).astype(np.uint8)
    is_free = np.ones(SIZE, dtype=bool)
    boxes, classes = [], []
    for _ in range(rng.integers(0, 4)):
        height, width = rng.integers(8, 20, 2)
        top = rng.integers(0, SIZE[0] - height)
        left = rng.integers(0, SIZE[1] - width)
        place = (slice(top, top + height), slice(left, left + width))
        if is_free[place].all():
            label = int(rng.random() < 0.3)
            image[place] = GREY[label]
            is_free[place] = False
            boxes.append([left, top, left + width, top + height])
            classes.append(label)
    return image, boxes, classes


def write_prepared(folder: Path) -> None:
    """Write a prepared data set of 40 + 12 + 24 scenes."""
    rng = np.random.default_rng(0)
    for split, num in NUM_SCENES.items():
        scenes = [scene(rng) for _ in range(num)]
        artifacts.save_array(folder / split / "inputs.npy", np.stack([one[0] for one in scenes]))
        artifacts.save_sample_ids(folder, split, [f"{split}-{row}" for row in range(num)])
        artifacts.save_boxes(folder, split, listed([one[1:] for one in scenes]))
    artifacts.save_meta(folder, meta())


def listed(objects: list[tuple[list[list[int]], list[int]]]) -> BoxList:
    """Return the objects of some images, given as boxes and classes of each."""
    counts = [len(classes) for _, classes in objects]
    corners = [box for boxes, _ in objects for box in boxes]
    return BoxList(
        np.array(corners, dtype=np.float32).reshape(-1, 4),
        np.array([label for _, classes in objects for label in classes], dtype=np.int64),
        np.cumsum([0, *counts], dtype=np.int64),
    )


def meta() -> Meta:
    """Return what meta.json says of the scenes."""
    return Meta(
        task="object_detection",
        dataset="toy_scenes",
        class_names=CLASS_NAMES,
        input_shape=[*SIZE, 1],
        mean=[0.2],
        std=[0.2],
        num_samples=NUM_SCENES,
        fingerprint="toy",
    )


def perfect_maps(truth: Any) -> Any:
    """Return the maps that say the targets `Boxes` of scenes, each sure, [B, C + 4, H, W]."""
    import torch  # here: most tests need none

    from stages.shared.tasks.object_detection import maps

    height, width = maps.map_size(truth.size)
    values = torch.zeros(len(truth), 4, height * width)
    values_BG4, cells_BG = maps.box_values(truth), maps.cells(truth)
    for image, place in truth.is_there_NG.nonzero().tolist():
        values[image, :, cells_BG[image, place]] = values_BG4[image, place]
    values = values.view(-1, 4, height, width)
    return torch.cat([maps.class_maps(truth, len(CLASS_NAMES)), values], dim=1)


def write_ensemble(folder: Path, num_members: int) -> list[Checkpoint]:
    """Write untrained detectors that are sure of some positions and unsure of others."""
    import torch  # here: most tests need none

    from stages.shared import models
    from stages.shared.artifacts.weights import save_weights

    checkpoints = [
        Checkpoint(member, 1, 0.5, is_best=True, is_last=True) for member in range(num_members)
    ]
    for number, checkpoint in enumerate(checkpoints):
        torch.manual_seed(number)
        model = models.build("unet_detector_small", len(CLASS_NAMES), [*SIZE, 1])
        torch.nn.init.normal_(model.head.weight[: len(CLASS_NAMES)], std=0.3)
        torch.nn.init.zeros_(model.head.bias)
        save_weights(folder / checkpoint.path, model)
    ensemble = Ensemble("unet_detector_small", len(CLASS_NAMES), [*SIZE, 1], checkpoints)
    artifacts.save_ensemble(folder, ensemble)
    return checkpoints


def write_voc(root: Path, num: dict[str, int]) -> None:
    """Write so many scenes for each list of names, in the form of Pascal VOC."""
    rng = np.random.default_rng(1)
    for name in ("JPEGImages", "Annotations", "ImageSets/Main"):
        (root / name).mkdir(parents=True)
    for split, number in num.items():
        names = [f"{split}{row:03d}" for row in range(number)]
        (root / f"ImageSets/Main/{split}.txt").write_text("\n".join(names))
        for name in names:
            image, boxes, classes = scene(rng)
            Image.fromarray(image[..., 0]).save(root / f"JPEGImages/{name}.png")
            objects = "".join(map(_voc_object, boxes, classes))
            size = f"<size><width>{SIZE[1]}</width><height>{SIZE[0]}</height></size>"
            text = f"<annotation>{size}{objects}</annotation>"
            (root / f"Annotations/{name}.xml").write_text(text)


def _voc_object(box: list[int], label: int) -> str:
    left, top, right, bottom = box
    values = {"xmin": left + 1, "ymin": top + 1, "xmax": right, "ymax": bottom}
    corners = "".join(f"<{name}>{value}</{name}>" for name, value in values.items())
    return f"<object><name>{CLASS_NAMES[label]}</name><bndbox>{corners}</bndbox></object>"
