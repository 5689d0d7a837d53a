"""What is wrong with params.yaml stops a stage before it writes anything."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import toy
from ruamel.yaml import YAML
from shared.settings.test_params import DEFAULT, change

from commands.preset.presets import resolved
from stages.shared import tasks
from stages.shared.settings import menu

TABLE = toy.ROOT / "tests/wrong_params.txt"
SUBSET = Path("subsets/seed")


def names_in(folder: str) -> str:
    """Return what may be chosen where a file of a folder is."""
    files = (toy.ROOT / "stages" / folder).glob("*.py")
    return ", ".join(sorted(file.stem for file in files if file.stem != "__init__"))


KNOWN = {
    "<acquisitions>": ", ".join(menu.ACQUISITIONS),
    "<rules>": ", ".join(menu.RULES),
    "<other rules>": ", ".join(name for name in menu.RULES if name != "mixed"),
    "<datasets>": names_in("shared/datasets/image_classification"),
    "<models>": names_in("shared/models/image_classification"),
    "<tasks>": ", ".join(tasks.names()),
}


def wrong() -> Iterator[tuple[dict[str, object], str]]:
    """Yield the changes of wrong_params.txt and what is said of each."""
    text = TABLE.read_text()
    for token, names in KNOWN.items():
        text = text.replace(token, names)
    yaml = YAML(typ="safe", pure=True)
    for changes, said in re.findall(r"((?:^[^ #\n].*\n)+)((?:^ .*\n)+)", text, re.MULTILINE):
        values = (line.partition(":") for line in changes.splitlines())
        yield (
            {key.replace(".", "__"): yaml.load(value) for key, _, value in values},
            " ".join(said.split()),
        )


def in_json(content: object) -> str:
    """Return what is as quick to write as to read; nothing of what JSON has no word for."""
    try:
        return json.dumps(content, allow_nan=False)
    except (TypeError, ValueError):
        return "null"


@pytest.fixture
def seed_subset(project, line_of):
    """Run seed_subset with a params.yaml that it must refuse, a seed subset being there."""
    SUBSET.parent.mkdir()
    SUBSET.write_text("what an earlier run wrote")

    def run(content):
        Path("params.yaml").write_text(in_json(content))
        if json.loads(in_json(content)) != content:  # which has text alone as keys
            YAML(typ="safe").dump(content, Path("params.yaml"))
        return line_of("seed_subset", str(content.get("seed_size")), "prepared", str(SUBSET))

    return run


@pytest.mark.parametrize(("changes", "line"), list(wrong()), ids=str)
def test_params_that_cannot_be_obeyed_are_one_line(seed_subset, changes, line):
    assert seed_subset(change(DEFAULT, changes)) == f"params.yaml: {line}"


@pytest.mark.parametrize(
    ("preset", "task", "found", "allowed"),
    [
        ("detection_bccd", "image_classification", "voc", "cifar10, cifar100, digits, "),
        (
            "svp_amazon",
            "object_detection",
            "amazon_polarity",
            "coco, digit_scenes, labelimg, ",
        ),
        (
            "cifar10",
            "text_classification",
            "cifar10",
            "amazon_full, amazon_polarity, huggingface_texts, reviews ",
        ),
    ],
)
def test_a_preset_of_another_task_is_one_line(seed_subset, preset, task, found, allowed):
    line = seed_subset({**resolved(preset), "task": task})
    assert line.startswith(f"params.yaml: dataset.name is '{found}'; choose one of {allowed}")
    assert f" (task {task})" in line


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "the file is empty; it must be a section with random_seed, random_seeds, "),
        (b"seed_size: [0.25", "line 1: expected ',' or ']', but got '<stream end>'; it must be Y"),
        (b"task: a\ntask: b", 'line 2: found duplicate key "task" with value "b" (original '),
        (b"\xff\xfe", "cannot be read ('utf-8' codec can't decode byte 0xff in position 0: "),
        (b"random_seed: 2026-13-45", "month must be in 1..12; it must be YAML 1.2"),
        (b"task: \x07\n", "unacceptable character #x0007: special characters are not allowed"),
        (b"random_seed: !!int x", "invalid literal for int() with base 10: 'x'; it must be YAML"),
        (b"a: !!python/object:os.system x", "line 1: could not determine a constructor for the "),
        (b"[" * 1000, "maximum recursion depth exceeded"),
        (b"9" * 5000, "Exceeds the limit (4300 digits) for integer string conversion: "),
    ],
    ids=lambda text: str(text)[:20],
)
def test_a_file_that_is_no_yaml_is_one_line(project, line_of, text, said):
    Path("params.yaml").write_bytes(text)
    line = line_of("seed_subset", "0.25", "prepared", str(SUBSET))
    assert line.startswith(f"params.yaml: {said}")
    assert re.search("; it must be .", line)


def test_no_params_are_one_line(project, line_of):
    Path("params.yaml").unlink()
    assert line_of("seed_subset", "0.25", "prepared", str(SUBSET)) == (
        "params.yaml: cannot be read ([Errno 2] No such file or directory: 'params.yaml'); it must "
        "be a text file"
    )
