"""The arrows of DESIGN.md, and that DVC watches exactly the code that a stage runs.

So "only changed steps rerun" is a fact: code that a stage can reach and that decides what it
writes is a dependency of it in dvc.yaml, and nothing else is.
"""

import ast
import re
import subprocess
import sys
from collections import Counter
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
PIPELINE = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())["stages"]
STAGES = sorted(path.parent.name for path in ROOT.glob("stages/*/__main__.py"))
# Stages of dvc.yaml that run another's code, with the model that it is about.
SAME_CODE = {"evaluate_ensemble": "evaluate"}

SHARED = "stages/shared"
# What decides bytes is watched as a folder; what does not, never. The folder says which.
WATCHED = ("choosing", "measuring", "networks", "prediction", "samples", "training")
NEVER = ("artifacts", "members", "running", "settings")
MENU = ("datasets", "models", "tasks")  # one file or folder of them is chosen by name
# They take under a second, so one that reaches a part of a room may watch all of it.
LIGHT = {"comparison_subsets", "score", "seed_subset", "select"}
# Each takes from a quarter of a second to seconds to import, and each stage is a process.
HEAVY = {"matplotlib", "pandas", "scipy", "sklearn", "torch", "torchvision"}
# What a stage imports of them all the same, as it starts; workers and pictures import more.
HEAVY_IMPORTS = {
    "predict_pool": {"torch"},
    "report": {"scipy"},
}


@cache
def imported(file: Path) -> set[Path]:
    """Return the project files that one file imports."""
    found = set()
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert not node.level, f"{file}: relative import"
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for name in names:
            path = ROOT / name.replace(".", "/")
            found |= {
                candidate
                for candidate in (path.with_suffix(".py"), path / "__init__.py")
                if candidate.exists() and name.startswith(("stages", "commands"))
            }
    return found


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def files_of(folder: str) -> list[Path]:
    """Return the code below a folder; what an `__init__.py` says decides nothing."""
    return [path for path in sorted((ROOT / folder).rglob("*.py")) if path.name != "__init__.py"]


def room_of(path: Path) -> str:
    """Return the room that a file of stages/shared lies in, or the name of a loose file."""
    return path.relative_to(ROOT / SHARED).parts[0]


@cache
def reached(stage: str) -> set[str]:
    """Return all project files outside a stage's folder that it can run, of the menu all."""
    own = set((ROOT / "stages" / stage).rglob("*.py"))
    todo, seen = list(own), set()
    while todo:
        file = todo.pop()
        if file in seen:
            continue
        seen.add(file)
        found = imported(file)
        is_shared = file.is_relative_to(ROOT / SHARED)
        if is_shared and room_of(file) == "settings":
            # Validation decides no bytes: what it reads to refuse is not what a stage runs.
            found = {path for path in found if room_of(path) not in (*MENU, "sizes.py")}
        if file.name == "rules.py":  # it imports the form of what it says
            continue
        text = file.read_text()
        if "params.rules" in text and not (is_shared and room_of(file) == "settings"):
            found |= set((ROOT / SHARED / "tasks").glob("*/rules.py"))
        if "stages.shared.datasets.{" in text:
            found |= set(files_of(f"{SHARED}/datasets"))
        if is_shared and file.name == "__init__.py" and room_of(file) in ("models", "tasks"):
            found |= set(files_of(f"{SHARED}/{room_of(file)}"))
        todo += found
    return {name_of(file) for file in seen - own if file.name != "__init__.py"}


def watched(stage: str) -> set[str]:
    """Return the code that dvc.yaml watches for a stage, what is chosen by name as its room."""
    code = {dep for dep in PIPELINE[stage]["deps"] if dep.startswith("stages/")}
    return {re.sub(r"/\$\{.*", "", dep) for dep in code}


def test_every_stage_is_a_folder_and_every_folder_a_stage():
    assert sorted(set(PIPELINE) - set(SAME_CODE)) == STAGES


def test_a_stage_that_runs_anothers_code_depends_on_the_same_code():
    for stage, other in SAME_CODE.items():
        assert PIPELINE[stage]["cmd"].split()[2] == f"stages.{other}"
        assert watched(stage) == watched(other)


def test_only_what_evaluates_reads_the_test_split():
    readers = {
        stage
        for stage, spec in PIPELINE.items()
        if {"data/prepared/test", "data/prepared"} & set(spec["deps"])
    }
    # The others look at its inputs: embed, and near_duplicates, which tells people.
    assert readers == {"embed", "evaluate", "evaluate_ensemble", "near_duplicates"}


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_watches_a_stages_own_folder(stage):
    own = {dep for dep in watched(stage) if not dep.startswith(f"{SHARED}/")}

    assert own == {f"stages/{stage}"}


def test_each_folder_of_shared_code_is_a_room():
    folders = {path.name for path in (ROOT / SHARED).iterdir() if any(path.glob("*.py"))}
    loose = {path.name for path in files_of(SHARED) if path.parent == ROOT / SHARED}

    assert folders == {*WATCHED, *NEVER, *MENU}
    assert loose == {"errors.py", "sizes.py"}  # what every room may say


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_watches_sizes_where_a_stage_counts_picks(stage):
    name = f"{SHARED}/sizes.py"

    assert (name in watched(stage)) == (name in reached(stage))


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_watches_exactly_the_shared_code_that_a_stage_reaches(stage):
    """A room that is reached whole is watched whole; of others the files, but by light stages."""
    for room in WATCHED:
        here = f"{SHARED}/{room}"
        found = {name for name in reached(stage) if name.startswith(f"{here}/")}
        named = {dep for dep in watched(stage) if dep == here or dep.startswith(f"{here}/")}
        if found == {name_of(path) for path in files_of(here)} or (found and stage in LIGHT):
            assert named == {here}
        else:
            assert named == found, f"{stage} reaches {found}"


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_watches_what_a_stage_chooses_off_the_menu(stage):
    for room in MENU:
        here = f"{SHARED}/{room}"
        found = {name for name in reached(stage) if name.startswith(f"{here}/")}
        named = {dep for dep in watched(stage) if dep == here or dep.startswith(f"{here}/")}
        reading = {name for name in found if name.startswith(f"{here}/reading/")}
        expected = {here} if found - reading else set()
        if reading and reading == {name_of(path) for path in files_of(f"{here}/reading")}:
            expected.add(f"{here}/reading")
        else:
            expected |= reading

        assert named == expected, stage


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_never_watches_what_decides_nothing(stage):
    never = tuple(f"{SHARED}/{room}" for room in NEVER)

    assert not [dep for dep in watched(stage) if dep.startswith(never)]


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_imports_another_or_a_command(stage):
    assert not [name for name in reached(stage) if not name.startswith(f"{SHARED}/")]


def test_shared_code_imports_no_stage_and_no_command():
    for file in (ROOT / SHARED).rglob("*.py"):
        assert all(
            name_of(path).startswith((f"{SHARED}/", "stages/__")) for path in imported(file)
        ), file


# What a folder of each kind holds under the same name, and names that still stand twice.
PROBES = {"linear_probe.py", "mlp_probe.py"}  # of vectors, and of images by their embeddings
SAME_IN_EACH = {"__init__.py", "__main__.py", "rules.py", "task.py", *PROBES}


def test_a_file_is_known_by_its_name():
    names = Counter(
        path.name for folder in ("stages", "commands") for path in (ROOT / folder).rglob("*.py")
    )

    assert {name for name, count in names.items() if count > 1} <= SAME_IN_EACH


def test_nothing_imports_itself_by_way_of_others():
    """Neither files do, nor the rooms that decide, record or run, nor those of the report."""
    rooms = {}
    for file in (ROOT / SHARED).rglob("*.py"):
        here = room_of(file)
        if here in MENU:
            continue
        targets = {room_of(p) for p in imported(file) if p.is_relative_to(ROOT / SHARED)}
        rooms.setdefault(here, set()).update(targets - {here, *MENU, "__init__.py"})
    TopologicalSorter(rooms).prepare()
    report, rooms = ROOT / "stages/report", {}
    for file in report.glob("*/*.py"):
        targets = {path.parent for path in imported(file) if path.is_relative_to(report)}
        rooms.setdefault(file.parent, set()).update(targets - {file.parent, report})
    TopologicalSorter(rooms).prepare()
    assert {room.name for room in rooms} > {"run", "numbers", "page"}
    files = {
        file: {path for path in imported(file) if path.name != "__init__.py"}
        for folder in ("stages", "commands")
        for file in files_of(folder)
    }
    TopologicalSorter(files).prepare()


# Forked from a process that has what all of them need, and nothing heavy.
IMPORTS = """
import importlib, os, sys
import numpy, stages.shared.running.command, stages.shared.settings.params
for stage in sys.argv[1:]:
    if os.fork() == 0:
        importlib.import_module(f"stages.{stage}.__main__")
        print(stage, *sys.modules, flush=True)
        os._exit(0)
    assert os.wait()[1] == 0
"""


def test_a_stage_starts_without_what_it_does_not_need():
    output = subprocess.run(
        [sys.executable, "-c", IMPORTS, *STAGES],
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    ).stdout
    modules = {line.split()[0]: set(line.split()[1:]) for line in output.splitlines()}

    assert list(modules) == STAGES
    for stage, names in modules.items():
        assert f"stages.{stage}.__main__" in names
        assert names & HEAVY == HEAVY_IMPORTS.get(stage, set()), stage


def command_arguments(stage: str) -> list[str]:
    return PIPELINE[stage]["cmd"].split()[3:]


@pytest.mark.parametrize("stage", STAGES)
def test_every_file_in_a_command_is_a_dependency_or_an_output(stage):
    spec = PIPELINE[stage]
    outs = [
        out if isinstance(out, str) else next(iter(out))
        for key in ("outs", "metrics")
        for out in spec.get(key, [])
    ]
    declared = [*spec["deps"], *outs]
    paths = [argument for argument in command_arguments(stage) if "/" in argument]

    for path in paths:
        assert any(name == path or name.startswith(f"{path}/") for name in declared), path


def test_a_new_group_lets_all_stages_run_again_that_read_groups():
    """groups.npy is there only where the user's list has groups: the folder stands for it."""
    readers = {"race", "select", "evaluate", "evaluate_ensemble"}
    splits = {"race": "train", "select": "train"}
    for stage in readers:
        assert f"data/prepared/{splits.get(stage, 'test')}" in PIPELINE[stage]["deps"]


def test_trainings_of_selected_random_and_full_differ_in_subset_and_output_alone():
    """Everything is paired: the same command but for two paths, the same parameters."""
    spec = PIPELINE["train_subset_model"]
    subset_only = re.compile(r"\$\{item\.subset\}|\$\{key\}")

    named = [dep for dep in spec["deps"] if subset_only.search(dep)]
    assert named == ["data/comparison/${item.subset}"]
    assert [
        argument
        for argument in command_arguments("train_subset_model")
        if subset_only.search(argument)
    ] == [
        "data/comparison/${item.subset}",
        "data/subset_models/${key}",
        "data/histories/${key}",
    ]
    assert not [name for name in spec["params"] if "$" in name]


# --- encodings -----------------------------------------------------------------------------------

OPENED_OTHERWISE = {"Image", "os"}  # whose `open` reads no text


def without_encoding(source: str) -> list[str]:
    """Return the calls that read or write text in the encoding of whoever runs them."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if isinstance(node.func, ast.Name):
            name = node.func.id
        elif name == "open" and ast.unparse(node.func.value) in OPENED_OTHERWISE:
            continue
        words = [ast.unparse(argument) for argument in node.args]
        is_binary = name == "open" and any(re.fullmatch(r"'[rwxa+]*b[rwxa+]*'", x) for x in words)
        has_encoding = any(keyword.arg == "encoding" for keyword in node.keywords)
        if name in {"open", "read_text", "write_text"} and not (is_binary or has_encoding):
            found.append(f"{node.lineno}: {ast.unparse(node)}")
    return found


def test_text_is_read_and_written_as_utf_8_wherever_a_stage_runs():
    tops = ("stages", "commands", "benchmarks")
    files = [path for top in tops for path in (ROOT / top).rglob("*.py")]
    found = [f"{path.name}:{call}" for path in files for call in without_encoding(path.read_text())]
    assert files
    assert found == []


@pytest.mark.parametrize("call", ["open(x", "x.open('w'", "x.read_text(", "x.write_text('b'"])
def test_the_search_finds_text_without_an_encoding(call):
    assert without_encoding(f"{call})")
    assert not without_encoding(f"{call}{'' if call.endswith('(') else ', '}encoding='utf-8')")


def test_the_task_of_embeddings_lies_where_stages_of_images_watch_it():
    """Their probes train by it, and they watch the folder of their own task alone."""
    tree = ast.parse((ROOT / SHARED / "tasks/vector_classification/task.py").read_text())
    docstring, imports, exported = tree.body
    assert isinstance(docstring, ast.Expr)
    assert imports.module.startswith("stages.shared.networks.")
    assert exported.targets[0].id == "__all__"
    for stage in ("train_ensemble", "predict_pool", "race", "train_subset_model", "evaluate"):
        assert f"{SHARED}/networks" in watched(stage)
