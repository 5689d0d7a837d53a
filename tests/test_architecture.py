"""The arrows of DESIGN.md, and that DVC watches exactly the code that a stage runs.

So "only changed steps rerun" is a fact: code that a stage can reach and that decides what it
writes is a dependency of it in dvc.yaml, and nothing else is.
"""

import ast
import re
import subprocess
import sys
from functools import cache
from pathlib import Path

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
PIPELINE = YAML(typ="safe", pure=True).load((ROOT / "dvc.yaml").read_text())["stages"]
STAGES = sorted(path.parent.name for path in ROOT.glob("stages/*/__main__.py"))

# Moves bytes, checks them or tells of them, and never decides them.
PLUMBING = {
    "stages/shared/running/cluster.py": "where pieces run; a cluster gives equal bytes",
    "stages/shared/running/command.py": "parses the command line",
    "stages/shared/running/ending.py": "ends a stage that must not go on",
    "stages/shared/running/engine.py": "where pieces run; any number of workers gives equal bytes",
    "stages/shared/errors.py": "names of errors",
    "stages/shared/artifacts/files.py": "writes files whole",
    "stages/shared/training/job.py": "a record of what is passed to a worker",
    "stages/shared/samples/loading.py": "where images are decoded; what they show is held against prepare",
    "stages/shared/members/members.py": "spreads jobs over workers and copies what they wrote",
    "stages/shared/models/__init__.py": "imports the file of a name",
    "stages/shared/settings/params.py": "validates; the values themselves are tracked",
    "stages/shared/settings/sections.py": "the same",
    "stages/shared/settings/task_limits.py": "the same",
    "stages/shared/settings/training_sections.py": "the same",
    "stages/shared/settings/messages.py": "words for what is wrong with params.yaml",
    "stages/shared/running/progress.py": "draws bars",
    "stages/shared/members/resume.py": "names folders of finished members",
    "stages/shared/tasks/__init__.py": "imports the file of a name",
    "stages/shared/running/timings.py": "times are no output",
    "stages/shared/artifacts/tracking.py": "writes what it is given; round trips are tested",
    "stages/shared/artifacts/weights.py": "writes what it is given; round trips are tested",
    "stages/shared/running/workers.py": "where pieces run; any number of workers gives equal bytes",
    **{
        f"stages/shared/artifacts/{path.name}": "writes what it is given; round trips are tested"
        for path in ROOT.glob("stages/shared/artifacts/*.py")
    },
}
VALIDATION = (
    "stages/shared/settings/params.py",
    "stages/shared/settings/sections.py",
    "stages/shared/settings/task_limits.py",
    "stages/shared/settings/training_sections.py",
)
# One file of one task's folder, or one task's folder, is chosen by name in params.yaml: DVC watches
# that alone.
CHOSEN = ("stages/shared/datasets", "stages/shared/models", "stages/shared/tasks")
CHOOSERS = {f"{folder}/__init__.py" for folder in CHOSEN}
# A folder that a stage reaches as a whole is watched as a whole: dvc.lock stays short.
WHOLE = "stages/shared/training"
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
                if candidate.exists() and "stages" in name
            }
    return found


def commands(stage: str) -> list[Path]:
    """Return the folders in a stage's that are run by people and are no part of the stage."""
    return sorted(path.parent for path in (ROOT / "stages" / stage).glob("*/__main__.py"))


def own_code(stage: str) -> list[Path]:
    return [
        path
        for path in sorted((ROOT / "stages" / stage).rglob("*.py"))
        if not any(path.is_relative_to(folder) for folder in commands(stage))
    ]


@cache
def reached(stage: str) -> set[str]:
    """Return all project files outside a stage's folder that it can run, a chosen one as folder."""
    todo, seen = own_code(stage), set()
    while todo:
        file = todo.pop()
        if file in seen:
            continue
        seen.add(file)
        # What validation reads decides no bytes either, but for what a task allows.
        if name_of(file) in VALIDATION:
            todo += {path for path in imported(file) if name_of(path) in PLUMBING.keys() - CHOOSERS}
            continue
        if file.name == "rules.py":  # it imports the form of what it says
            continue
        todo += imported(file)
        if "params.rules" in file.read_text():
            todo += (ROOT / "stages/shared/tasks").glob("*/rules.py")
        if file.name == "__init__.py" and name_of(file.parent) in CHOSEN:
            todo += file.parent.rglob("*.py")
    return {name_of(file) for file in seen} - {name_of(file) for file in own_code(stage)}


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def is_package_marker(name: str) -> bool:
    return name in ("stages/__init__.py", "stages/shared/__init__.py", f"{WHOLE}/__init__.py")


def folded(names: set[str]) -> set[str]:
    """Replace the files of a folder by its name where one of them is chosen, or all are reached."""
    whole = {name_of(file) for file in (ROOT / WHOLE).glob("*.py")}
    if whole - {f"{WHOLE}/__init__.py"} <= names:
        names = names - whole | {WHOLE}
    return {
        next((folder for folder in CHOSEN if name.startswith(f"{folder}/")), name) for name in names
    }


def watched(stage: str) -> set[str]:
    """Return the code that dvc.yaml watches for a stage."""
    code = {dep for dep in PIPELINE[stage]["deps"] if dep.startswith("stages/")}
    return {re.sub(r"/\$\{.*", "", dep) for dep in code}


def own_and_watched(stage: str) -> set[str]:
    own = set()
    for dep in watched(stage):
        if dep == f"stages/{stage}":
            own |= {name_of(file) for file in own_code(stage)}
        elif dep.startswith(f"stages/{stage}/"):
            own.add(dep)
    return own


def test_every_stage_is_a_folder_and_every_folder_a_stage():
    assert sorted(PIPELINE) == STAGES


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_watches_a_stages_own_code(stage):
    assert folded({name_of(file) for file in own_code(stage)}) - own_and_watched(stage) <= {
        "stages/shared/datasets"
    }


@pytest.mark.parametrize("stage", STAGES)
def test_dvc_watches_exactly_the_shared_code_that_a_stage_reaches(stage):
    shared = {dep for dep in watched(stage) if dep.startswith("stages/shared/")}

    expected = folded(
        {name for name in reached(stage) - set(PLUMBING) if not is_package_marker(name)}
    )

    assert shared == expected


@pytest.mark.parametrize("stage", STAGES)
def test_no_stage_imports_another(stage):
    assert not [
        name for name in reached(stage) if not name.startswith(("stages/shared/", "stages/__"))
    ]


COMMANDS = [folder for stage in STAGES for folder in commands(stage)]


@pytest.mark.parametrize("folder", COMMANDS, ids=name_of)
def test_a_command_for_people_is_no_part_of_its_stage(folder):
    """The stage does not import it, so DVC need not watch it, nor what it imports."""
    inside = f"{name_of(folder)}/"
    stage = folder.parent.name

    assert not [name for name in reached(stage) if name.startswith(inside)]
    assert f"/{inside}" in (ROOT / ".dvcignore").read_text().splitlines()


@pytest.mark.parametrize("folder", COMMANDS, ids=name_of)
def test_a_command_for_people_imports_no_stage_but_its_own(folder):
    allowed = ("stages/shared/", "stages/__", f"{name_of(folder.parent)}/")

    for file in folder.rglob("*.py"):
        assert all(name_of(path).startswith(allowed) for path in imported(file)), file


def test_shared_code_imports_no_stage():
    for file in (ROOT / "stages/shared").rglob("*.py"):
        assert all(
            name_of(path).startswith(("stages/shared/", "stages/__")) for path in imported(file)
        ), file


def test_shared_code_is_shared():
    """A file that one stage needs belongs to that stage."""
    for file in (ROOT / "stages/shared").glob("*.py"):
        users = [stage for stage in STAGES if name_of(file) in reached(stage)]
        assert len(users) > 1 or file.name == "__init__.py", f"{file}: used by {users}"


def test_plumbing_exists():
    assert all((ROOT / name).is_file() for name in PLUMBING)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_starts_without_what_it_does_not_need(stage):
    code = f"import sys, stages.{stage}.__main__; print(*sorted({HEAVY!r} & set(sys.modules)))"

    output = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, check=True, capture_output=True, text=True
    )

    assert set(output.stdout.split()) == HEAVY_IMPORTS.get(stage, set())


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


def test_trainings_of_selected_random_and_full_differ_in_subset_and_output_alone():
    """Everything is paired (D10): the same command but for two paths, the same parameters."""
    spec = PIPELINE["train_subset_model"]
    subset_only = re.compile(r"\$\{item\.subset\}|\$\{key\}")

    named = [dep for dep in spec["deps"] if subset_only.search(dep)]
    assert named == ["data/comparison/${item.subset}.csv"]
    assert [
        argument
        for argument in command_arguments("train_subset_model")
        if subset_only.search(argument)
    ] == [
        "data/comparison/${item.subset}.csv",
        "data/subset_models/${key}",
        "data/histories/${key}.csv",
    ]
    assert not [name for name in spec["params"] if "$" in name]
