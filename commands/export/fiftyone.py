"""A folder that FiftyOne imports: `samples.json` and `metadata.json`, written without FiftyOne.

Its form is `fiftyone.types.LegacyFiftyOneDataset`: each sample as `Sample.to_dict` gives it,
fields found out from their values. The newer FiftyOneDataset holds the documents of FiftyOne's
database as they are, which change from version to version; without a version in metadata.json
FiftyOne reads the older form under that name too. FiftyOne calls this form legacy: if it is
dropped, this file has to be written again.

Each sample has the tags `subset <name>` and `round <number>`, its label as `ground_truth`
(Classification, or Detections with boxes as shares of the image), and the fields `source_id`,
`picks`, `round` and `score`.
"""

from pathlib import Path
from typing import Any

from commands.export.chosen import Chosen, Sample
from commands.export.folders import Names, file_name, placing
from commands.export.output import finite, new_folder, write_json


def write(chosen: Chosen, output: Path) -> None:
    """Write the folder; images without files are written into it as PNG.

    Raises:
        DataError: the samples are no images.
    """
    place = placing(chosen)
    names = Names()
    samples = []
    with new_folder(output) as folder:
        for sample in chosen.samples:
            path = sample.path
            if not path:
                path = f"data/{names.free(file_name(sample))}"
                (folder / "data").mkdir(exist_ok=True)
                place(sample, folder / path)
            samples.append({"filepath": path, **_fields(chosen, sample)})
        write_json(folder / "samples.json", {"samples": samples})
        info = {"default_classes": chosen.meta.class_names}
        write_json(folder / "metadata.json", {"media_type": "image", "info": info})


def _fields(chosen: Chosen, sample: Sample) -> dict[str, Any]:
    return {
        "tags": [f"subset {chosen.name}", f"round {sample.round}"],
        "ground_truth": _label(chosen, sample),
        "source_id": sample.sample_id,
        "picks": sample.picks,
        "round": sample.round,
        "score": finite(sample.score),
    }


def _label(chosen: Chosen, sample: Sample) -> dict[str, Any]:
    if chosen.boxes is None:
        return {"_cls": "Classification", "label": sample.label}
    rows = chosen.boxes.rows(sample.index)
    height, width = chosen.meta.input_shape[:2]
    found = []
    for (left, top, right, bottom), number in zip(
        chosen.boxes.box_A4[rows].tolist(), chosen.boxes.class_A[rows].tolist(), strict=True
    ):
        box = [left / width, top / height, (right - left) / width, (bottom - top) / height]
        label = chosen.meta.class_names[number]
        found.append({"_cls": "Detection", "label": label, "bounding_box": box})
    return {"_cls": "Detections", "detections": found}
