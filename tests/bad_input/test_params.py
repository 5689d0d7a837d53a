"""What is wrong with params.yaml stops a stage before it writes anything."""

import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML
from shared.test_params import DEFAULT, change, wrong

from commands.preset import resolved

CASES = list(wrong(Path(__file__).with_name("wrong_params.txt")))
SUBSET = Path("subsets/seed")


@pytest.fixture
def seed_subset(project, line_of):
    """Run seed_subset with a params.yaml that it must refuse, a seed subset being there."""
    SUBSET.parent.mkdir()
    SUBSET.write_text("what an earlier run wrote")

    def run(content):
        YAML(typ="safe").dump(content, Path("params.yaml"))
        return line_of("seed_subset", str(content.get("seed_size")), "prepared", str(SUBSET))

    return run


@pytest.mark.parametrize(("changes", "line"), CASES, ids=str)
def test_params_that_cannot_be_obeyed_are_one_line(seed_subset, changes, line):
    assert seed_subset(change(DEFAULT, changes)) == f"params.yaml: {line}"


@pytest.mark.parametrize(
    ("preset", "task", "found", "allowed"),
    [
        ("detection_bccd", "image_classification", "voc", "cifar10, cifar100, digits, "),
        ("svp_amazon", "object_detection", "amazon_polarity", "coco, digit_scenes, voc "),
        ("cifar10", "text_classification", "cifar10", "amazon_full, amazon_polarity, reviews "),
    ],
)
def test_a_preset_of_another_task_is_one_line(seed_subset, preset, task, found, allowed):
    line = seed_subset({**resolved(preset), "task": task})
    assert line.startswith(f"params.yaml: dataset.name is '{found}'; choose one of {allowed}")
    assert line.endswith(f"(task {task})")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "the file is empty; it must be a section with random_seed, random_seeds, "),
        (b"seed_size: [0.25", "line 1: expected ',' or ']', but got '<stream end>'; it must be Y"),
        (b"task: a\ntask: b", 'line 2: found duplicate key "task" with value "b" (original '),
        (b"\xff\xfe", "cannot be read ('utf-8' codec can't decode byte 0xff in position 0: "),
        (b"random_seed: 2026-13-45", "month must be in 1..12; it must be YAML 1.2"),
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
