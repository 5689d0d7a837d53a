"""Images with objects in YOLO's form, as Ultralytics reads it: a text file for each image.

`data.yaml` says which images there are, and the names of the classes; without it `classes.txt` does
(reading/yolo_description.py). The labels of `.../images/a/b.jpg` are in `.../labels/a/b.txt`, those
of an image that lies in no folder `images` beside it (reading/yolo_labels.py). Links to folders
below those that data.yaml names are part of the path. An image without such a file, or with an
empty one, has no objects.

Without test, val is the test split. All images must lie below dataset.root; a sample id is the
image's path there.
"""

import os
import sys

from stages.shared.datasets.reading import yolo_labels
from stages.shared.datasets.reading.boxes_of_images import Annotated, refuse_params, source_of
from stages.shared.datasets.reading.sources import Source
from stages.shared.datasets.reading.visible_files import require_folder
from stages.shared.datasets.reading.yolo_description import described
from stages.shared.errors import DataError, printable, reason
from stages.shared.running.workspace import located
from stages.shared.samples.loading import shown_size
from stages.shared.settings.sections import Dataset


def load(params: Dataset) -> Source:
    """Return the images that data.yaml names with their boxes.

    Raises:
        DataError: data.yaml or what it names is missing or in another form, or no image has labels.
        ParamsError: a parameter is set that such images cannot obey.
    """
    refuse_params(params)
    root = located(params.root)
    require_folder(root)
    class_names, listed, problems, num_keypoint_numbers, _ = described(root)
    top = os.path.realpath(root)  # labels lie beside what a link to root leads to
    images: list[Annotated] = []
    num_missing = num_empty = num_twice = 0
    for file, split in listed:
        try:
            size = shown_size(root / file)
        except Exception as error:  # Pillow raises errors of a dozen kinds
            problems.append(f"{file!r} cannot be read ({reason(error)})")
            continue
        path = yolo_labels.path_of(f"{top}/{file}")
        if not path.startswith(f"{top}/"):
            raise DataError(
                f"{root}: the labels of {file!r} are in {os.path.dirname(path)}, which is not "  # noqa: PTH120
                "below dataset.root; that must be a folder which holds images and labels"
            )
        labels = yolo_labels.read(path, size, class_names, num_keypoint_numbers)
        problems += (f"{os.path.relpath(path, top)!r} {what}" for what in labels.problems)
        images.append(Annotated(file, split, size, labels.objects))
        num_missing += not labels.is_there
        num_empty += labels.is_there and not (labels.objects or labels.problems)
        num_twice += labels.num_twice
    if images and num_missing == len(images) and not problems:
        path = yolo_labels.path_of(f"{top}/{images[0].name}")
        raise DataError(
            f"{root}: none of {num_missing} images has a file of labels; that of "
            f"{images[0].name!r} must be {path}"
        )
    notes = [
        (num_missing, "images have no file of labels: no objects"),
        (num_empty, "images have an empty file of labels: no objects"),
        (num_twice, "labels say what another one of their image says: they count once"),
    ]
    said = [f"{number} {what}" for number, what in notes if number]
    labels_used = {found.label for image in images for found in image.objects}
    used = [name for name in class_names if name in labels_used]
    if unused := [name for name in class_names if name not in labels_used]:
        said.append(f"left out {len(unused)} classes that have no object, such as {unused[0]!r}")
    if not problems:
        sys.stderr.writelines(f"{root}: {printable(note)}\n" for note in said)
    return source_of(images, used, params, problems, sizes_are_of_files=True)
