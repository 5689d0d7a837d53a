"""Every command of README.md and docs/: run here as a reader would, or by the tests named here.

What is not on this machine has a stand-in: other machines, storage, a screen, an installer.
"""

import json
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pipeline
import pytest
from PIL import Image

# The commands of docs/results.md are measurements, which take from minutes to days.
RESULTS = (pipeline.ROOT / "docs/results.md").read_text()
README = pipeline.pages().replace(RESULTS, "")
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
INLINE = re.compile(r"`((?:(?:uv|python|dvc|git|rm) |SUBSET_\w+=\w+ )[^`\n]+)`")  # in sentences
# Of commands that are spoken of.
NAMES = {"uv run", "dvc exp", "dvc exp run", "dvc exp show", "dvc metrics show", "dvc metrics diff"}

START = ["pip install uv", "uv run dvc repro"]
LOOK = [
    "cat metrics/verdict.txt metrics/summary.json",
    "xdg-open plots/report.html",
    "uv run python -m commands.export csv subset.csv",
    "uv run dvc plots show",
    "python -m commands.plan",
    "dvc repro --dry",
    "dvc repro",
    "python -m commands.resume",
    "python -m commands.resume --prune 30",
    "python -m commands.correlate",
    "python -m commands.suspects plots/suspects.csv lists/exclude.csv",
    "python -m commands.export csv subset.csv",
    "python -m commands.export copy /data/smaller --subset 0.25",
    "python tests/pipeline.py",
]
WRITTEN = LOOK.index("python -m commands.export csv subset.csv")  # for the second time
OWN_IMAGES = [
    "python -m commands.preset images_cpu dataset.root=/my/images",
    "python -m commands.plan",
    "dvc repro",
    "python -m commands.export symlinks /my/subset",
    "git checkout . && git clean -fd plots/tables && dvc checkout",
]
COMPARE = [
    "python -m commands.compare main HEAD",
    "python -m commands.compare main HEAD --html changes.html",
    "python -m commands.compare --artifacts main HEAD",
    "python -m commands.compare --artifacts clone-a clone-b",
    "dvc metrics diff main --targets metrics/summary.json",
]
STORAGE = [
    "uv sync --extra ray",
    "uv sync --extra huggingface",
    "uv sync --extra parquet",
    "uv pip install 'dvc[s3]'",
    "dvc remote add --default storage s3://bucket/subset-search",
    "dvc remote modify storage endpointurl https://storage.example.com",
    'git commit -m "Storage" .dvc/config',
]
PUSH = ["dvc push"]
CLUSTER = [
    "ssh first-node 'cd project && dvc exp run --queue -S random_seed=1 && "
    "SUBSET_ENGINE=ray dvc queue start'",
    "ssh first-node 'cd project && dvc exp push origin'",
]
LAPTOP = [
    "dvc pull plots/images plots/report.html",
    "dvc exp pull origin && python -m commands.experiments",
]
HERE = [
    *(START + LOOK + OWN_IMAGES + COMPARE),
    *(STORAGE + PUSH + CLUSTER + LAPTOP),
]
FORMS = [
    "python -m commands.preset images_pretrained_cpu weights.efficientnet_lite0=/my/weights.pth "
    "dataset.root=/my/images",
    "python -m commands.preset images_cpu dataset.root=/my/images dataset.manifest=/my/list.csv "
    "dataset.label_column=breed",
    "python -m commands.preset images_cpu dataset.root=/my/classes",
    "python -m commands.preset detection_bccd dataset.name=yolo dataset.root=/my/yolo",
    "python -m commands.preset detection_bccd dataset.name=labelimg dataset.root=/my/photographs",
    "python -m commands.preset detection_bccd dataset.name=coco dataset.root=/my/coco",
    "python -m commands.preset detection_bccd dataset.root=/my/voc",
    "python -m commands.preset images_cpu dataset.name=huggingface_images dataset.root=/my/set",
    "python -m commands.preset svp_polarity_cpu dataset.name=huggingface_texts "
    "dataset.root=/my/texts",
    "python -m commands.preset svp_polarity_cpu dataset.name=reviews dataset.root=/my/reviews",
    "python -m commands.preset embeddings_cpu dataset.root=/my/vectors",
]

# The others run in these tests, as they are or with other values, by what is to be read there.
ELSEWHERE = {
    "uv run pytest": (".ci/run", "uv run pytest "),
    "dvc exp run -S acquisition=variation_ratios": (
        "tests/pipeline.py",
        "dvc exp run -S acquisition=variation_ratios",
    ),
    "dvc exp run -S random_seed=1 -S random_seeds=1": (
        "tests/test_draws.py",
        "random_seed=5, random_seeds=1",
    ),
    "python -m commands.export list lists/chosen.csv --subset 0.125": (
        "tests/pipeline.py",
        "python -m commands.export list lists/chosen.csv --subset 0.125",
    ),
    "dvc exp run -S random_seeds=6": ("tests/pipeline.py", "dvc exp run -S random_seeds=4"),
    "dvc exp run --queue "
    "-S 'acquisition=entropy,mutual_information,variation_ratios,error_count'": (
        "tests/test_pipeline.py",
        '"run", "--queue"',
    ),
    "dvc exp run -S '~train_ensemble.length.updates' -S '+train_ensemble.length.epochs=30'": (
        "tests/test_docs.py",
        "test_a_command_in_readme_changes_params_yaml_to_a_valid_one",
    ),
    "dvc exp run --run-all": ("tests/test_pipeline.py", '"run", "--run-all"'),
    "dvc exp run --queue -S random_seeds=1 -S 'random_seed=range(5,7)' && dvc exp run --run-all": (
        "tests/test_pipeline.py",
        '"run", "--run-all"',
    ),
    "python -m commands.suspects ~/Downloads/exclude.csv lists/exclude.csv": (
        "tests/commands/test_suspects.py",
        'for name in ("exclude.csv", "include.csv")',
    ),
    "python -m commands.experiments": ("tests/test_pipeline.py", '"commands.experiments"'),
    "python -m commands": ("tests/commands/test_help.py", "commands.__main__.lines()"),
    "python -m commands.plan -S train_ensemble.members=5": (
        "tests/test_pipeline.py",
        '"commands.plan", "-S", "train_ensemble.members=5"',
    ),
    "python -m commands.plan --wide": ("tests/test_pipeline.py", '"commands.plan", "--wide"'),
    "python -m commands.preset": ("tests/commands/test_help.py", '"preset",'),
    "python -m commands.costs": ("tests/commands/test_costs.py", "lines(None)"),
    "python -m commands.costs --own-proxy exp-a": (
        "tests/commands/test_costs.py",
        'require_baseline("exp-a"',
    ),
    "python -m commands.verdict workspace": (
        "tests/test_pipeline.py",
        '"commands.verdict", "workspace"',
    ),
    "python -m commands.size": ("tests/commands/test_size.py", "told([])"),
    "python -m commands.size 500 0.75": ("tests/commands/test_size.py", 'told(["60", "0.5"])'),
    "python -m commands.verdict": ("tests/commands/test_verdict.py", '"commands.verdict"'),
    "python -m commands.verdict exp-a exp-b exp-c": (
        "tests/commands/test_verdict.py",
        '"commands.verdict", *names',
    ),
    "python -m commands.verdict workspace --metric ensemble_accuracy": (
        "tests/commands/test_verdict.py",
        '"--metric", "ensemble_accuracy"',
    ),
    "python -m commands.correlate exp-a exp-b exp-c": (
        "tests/commands/compare/test_correlate.py",
        'correlate.run(["exp-a", "exp-b"]',
    ),
    "python -m commands.preset detection_cpu": ("tests/test_presets.py", "each_preset"),
    "python -m commands.preset cifar10 && dvc repro": ("tests/test_presets.py", "each_preset"),
    "python -m commands.preset cifar10": ("tests/test_presets.py", "each_preset"),
    "python -m commands.preset cifar10 train_ensemble.members=4": (
        "tests/commands/test_preset.py",
        "train_ensemble.members=4",
    ),
    "python -m commands.preset default 'race.entrants={hardest: {}, cut: {outliers: "
    "{fraction: 0.1}}}' race.holdout=0.2": (
        "tests/commands/test_preset.py",
        "race.entrants={hardest: {}, cut: {outliers: {fraction: 0.1}}}",
    ),
    **dict.fromkeys(FORMS, ("tests/commands/test_preset.py", '"docs/data.md"')),
    "python -m commands.export coco subset.json": (
        "tests/commands/export/test_libraries.py",
        'export("coco"',
    ),
    "python -m commands.near_duplicates": (
        "tests/commands/test_near_duplicates.py",
        "near_duplicates.main()",
    ),
    "python -m commands.near_duplicates --leave-out": (
        "tests/commands/test_near_duplicates.py",
        '"--leave-out"',
    ),
    "python -m commands.export yolo /my/subset": (
        "tests/commands/export/test_yolo_folder.py",
        'export("yolo"',
    ),
    "python -m commands.export huggingface subset.json": (
        "tests/commands/export/test_libraries.py",
        'export("huggingface"',
    ),
    "cat metrics/verdict.txt": (
        "tests/test_readme.py",
        "cat metrics/verdict.txt metrics/summary.json",
    ),
    "SUBSET_ENGINE=ray dvc repro": ("tests/test_cluster.py", "SUBSET_ENGINE"),
    "ray start --head --port=6379": ("tests/ray_cluster.py", "head"),
    "ray start --address=first-node:6379": ("tests/ray_cluster.py", "add_node"),
    "SUBSET_ENGINE=ray RAY_ADDRESS=first-node:6379 dvc repro": (
        "tests/test_cluster.py",
        "RAY_ADDRESS",
    ),
    "rm -f dvc.lock .dvc/tmp/rwlock": ("tests/test_faults.py", '"dvc.lock", ".dvc/tmp/rwlock"'),
}


def commands(text: str) -> set[str]:
    """Return the commands of a text's blocks and sentences, without their comments.

    The table of what reruns is left out: tests/test_pipeline.py runs it.
    """
    begin, end = re.escape(pipeline.BEGIN), re.escape(pipeline.END)
    text = re.sub(rf"(?s){begin}.*{end}", "", text)
    lines = [line for block in BLOCK.findall(text) for line in block.splitlines()]
    in_blocks = {re.sub(r"\s+# .*", "", line).strip() for line in lines}
    in_sentences = set(INLINE.findall(re.sub(r"(?ms)^```.*?^```", "", text)))
    return (in_blocks | in_sentences) - {""} - NAMES


def test_commands_are_found_in_blocks_and_in_sentences():
    text = "Run `dvc repro` in `data/`, `uv run`:\n\n```sh\ncp a b   # c\n\nls | wc\n```\n"
    assert commands(text) == {"dvc repro", "cp a b", "ls | wc"}


def test_each_measurement_in_the_results_is_a_script_that_is_there():
    scripts = re.findall(r"python -m (benchmarks\.\w+)", RESULTS)
    assert len(scripts) > 2
    assert all((pipeline.ROOT / f"{name.replace('.', '/')}.py").is_file() for name in scripts)


def test_each_command_is_run_here_or_elsewhere():
    assert sorted(commands(README)) == sorted({*HERE, *ELSEWHERE})
    for name, words in ELSEWHERE.values():
        assert words in (pipeline.ROOT / name).read_text(), name


# --- as a reader ----------------------------------------------------------------------------------

STAND_INS = {
    "pip": "exit 0",
    "uv": 'case $1 in run) shift; exec "$@";; sync|pip) exit 0;; *) exit 2;; esac',
    "xdg-open": 'test -s "$1"',
    "ssh": 'cd .. && exec bash -c "$2"',  # the other machine has the project beside this one's
}


class Reader:
    """Somebody with a working copy who types what README.md says."""

    def __init__(self, checkout: pipeline.Checkout) -> None:
        self.checkout = checkout
        self.programs = checkout.folder.parent / "programs"
        self.instead: dict[str, str] = {}  # of paths and names in README.md
        self.programs.mkdir(exist_ok=True)
        for name, script in STAND_INS.items():
            (self.programs / name).write_text(f"#!/bin/sh\n{script}\n")
            (self.programs / name).chmod(0o755)

    def types(self, *commands: str) -> str:
        """Run commands that must succeed, and return what the last printed."""
        for command in commands:
            for name, here in self.instead.items():
                command = command.replace(name, here)
            path = f"{self.programs}:{self.checkout.environment()['PATH']}"
            output = self.checkout.run("bash", "-ec", command, PATH=path)
            assert output.code == 0, f"{command}\n{output.text}"
        return output.text


def images_of_the_reader(root: Path, num: int) -> None:
    """Write so many pictures of each of three classes, of different sizes and modes."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(["cat", "dog", "owl"]):
        (root / name).mkdir(parents=True)
        for row in range(num):
            pixels = rng.integers(0, 150, (30 + row % 9, 40, 3)).astype(np.uint8)
            pixels[:, :, number] += 100
            image = Image.fromarray(pixels).convert("RGB" if row % 5 else "L")
            image.save(root / name / f"{row}.{'png' if row % 2 else 'jpg'}")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    checkout = pipeline.finished_checkout(tmp_path_factory)
    for name, value in (("user.name", "Toy"), ("user.email", "toy@example.org")):
        checkout.git("config", name, value)
    return checkout


@pytest.fixture
def reader(finished, tmp_path):
    return Reader(finished.copy(tmp_path))


@pytest.mark.slow
def test_what_came_out_can_be_looked_at(reader, tmp_path):
    folder = reader.checkout.folder
    reader.instead = {"/data/smaller": str(tmp_path / "smaller")}
    printed = {command: reader.types(command) for command in START + LOOK[:WRITTEN]}
    (folder / "subset.csv").rename(tmp_path / "first.csv")  # nothing that is there is overwritten
    printed |= {command: reader.types(command) for command in LOOK[WRITTEN:]}

    assert "Stage 'prepare' didn't change" in printed["dvc repro"]
    assert printed["dvc repro"].count("Running stage") == 1  # the listing
    assert (
        "Nothing to run: DVC has the results of all 24 stages" in printed["python -m commands.plan"]
    )
    assert "Accuracy on test, 95 % intervals" in printed[LOOK[0]]
    rows = (folder / "subset.csv").read_text().splitlines()
    assert len(rows) == 1 + 324
    assert rows == (tmp_path / "first.csv").read_text().splitlines()
    assert reader.checkout.git("status", "--porcelain", "README.md") == ""
    assert len(list((tmp_path / "smaller").glob("*/*.png"))) == 324


@pytest.mark.slow
def test_own_images_become_a_subset_of_them(reader, tmp_path):
    images_of_the_reader(tmp_path / "my/images", num=40)
    reader.instead = {"/my/": f"{tmp_path}/my/"}
    reader.types(OWN_IMAGES[0])
    trial = "s/updates: .*/updates: 10/; s/random_seeds: ./random_seeds: 1/"
    reader.types(f"sed -i '{trial}' params.yaml")
    reader.types(*OWN_IMAGES[1:-1])

    chosen = list((tmp_path / "my/subset").glob("*/*"))
    meta = json.loads((reader.checkout.folder / "data/prepared/meta.json").read_text())
    assert len(chosen) == round(meta["num_samples"]["train"] / 2)
    assert all(path.resolve().is_relative_to(tmp_path / "my/images") for path in chosen)

    reader.types(OWN_IMAGES[-1])
    assert reader.types("dvc repro").count("Running stage") == 1  # the listing


@pytest.mark.slow
def test_selections_are_compared(reader, tmp_path):
    checkout = reader.checkout
    checkout.git("checkout", "--quiet", "-b", "change")
    reader.types("dvc exp run -S report.margin=1.0")
    checkout.git("commit", "--quiet", "--all", "--message=Change")
    for name in ("clone-a", "clone-b"):
        reader.types(f"git clone --quiet . {tmp_path / name}")
    reader.instead = {name: str(tmp_path / name) for name in ("clone-a", "clone-b")}

    printed = {command: reader.types(command) for command in COMPARE}

    assert "report.margin" in printed["python -m commands.compare main HEAD"]
    assert (checkout.folder / "changes.html").read_text().startswith("<!DOCTYPE html>")
    alike = "python -m commands.compare --artifacts clone-a clone-b"
    assert "equal" in printed[alike]


@pytest.mark.slow
def test_another_machine_runs_experiments_and_their_results_come_back(reader, tmp_path):
    checkout = reader.checkout
    for command in ("init --quiet --bare origin", f"clone --quiet origin {tmp_path}/laptop"):
        reader.types(f"cd ..; git {command}")
    reader.types(*STORAGE)
    # The storage is a folder here.
    reader.types(f"dvc remote remove storage; dvc remote add --default storage {tmp_path}/storage")
    reader.types("git commit --quiet --message=Folder .dvc/config", *PUSH)
    reader.types("git remote add origin ../origin; git push --quiet origin main")
    # What comes back is looked at here; tests/test_cluster.py trains on a cluster.
    reader.instead = {"random_seed=1": "report.margin=1.0", "SUBSET_ENGINE=ray ": ""}
    reader.types(CLUSTER[0])
    checkout.wait_for_queue()
    reader.types(CLUSTER[1])

    laptop = Reader(replace(checkout, folder=tmp_path / "laptop"))
    reader.types("cd ../laptop; git pull --quiet origin main; git checkout --quiet main")
    laptop.types(LAPTOP[0])
    assert (laptop.checkout.folder / "plots/report.html").is_file()
    assert "report.margin" in laptop.types(LAPTOP[1])
