"""What can be chosen is named in README.md or docs/, and their commands work."""

import json
import re
import runpy
import textwrap

import overrides
import pipeline
import pytest
import toy

from commands import export
from commands.preset import presets
from stages.shared import tasks
from stages.shared.settings import menu
from stages.shared.settings.params import load_params

ROOT = toy.ROOT


def names_in(folder):
    return sorted(path.stem for path in (ROOT / folder).rglob("[!_]*.py"))


NAMES = [
    *tasks.names(),
    *(
        f"presets/{path.name}"
        for path in sorted(ROOT.glob("presets/*.yaml"))
        if path != toy.DEFAULT
    ),
    *(f"{path.parent.name}/" for path in sorted(ROOT.glob("stages/*/__main__.py"))),
]


@pytest.mark.parametrize("name", NAMES)
def test_readme_names(name):
    readme = pipeline.pages()
    assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", readme)


MENUS = {
    "`acquisition`": menu.ACQUISITIONS,
    "`select.rule`": menu.RULES,
    "`dataset.name`": [
        name for task in tasks.names() for name in names_in(f"stages/shared/datasets/{task}")
    ],
    "`train_ensemble.model`, `compare.models`": names_in("stages/shared/models"),
}


@pytest.mark.parametrize("setting", MENUS)
def test_what_docs_say_can_be_chosen_is_there(setting):
    """A file more needs no line in docs/; a name in docs/ needs a file."""
    methods = (ROOT / "docs/methods.md").read_text()
    rows = [line for line in methods.splitlines() if line.startswith(f"| {setting}")]
    named = [name for row in rows for name in re.findall(r"`(\w+)`", row.partition(setting)[2])]
    assert len(named) > 3
    assert {*named} <= {*MENUS[setting]}


# --- commands -------------------------------------------------------------------------------------


def test_settings_that_follow_each_other_are_one_command():
    text = """
    # Two: dvc exp run -S a=1 -S 'b=[x, {y: 1.0}]'. Three trials: -S seed=1 and 2;
    # dvc exp run --queue -S c=x,y
    # -S '~d'
    | `-S e=0.5`, or `-S f.g=h` | `-S`
    """
    assert overrides.commands(text) == [
        "dvc exp run -S a=1 -S 'b=[x, {y: 1.0}]'",
        "-S seed=1",
        "dvc exp run --queue -S c=x,y -S '~d'",
        "-S e=0.5",
        "-S f.g=h",
    ]


def test_there_are_commands_in_readme():
    assert len(commands_of_readme()) >= 10


def test_a_command_makes_a_params_yaml_for_each_run(tmp_path):
    params = {"a": 1, "b": [0.5], "c": {"d": "x", "e": 2}}
    command = "dvc exp run --queue -S a=1,3 -S 'b=[{f: 1.0}]' -S '~c.d' -S +c.g=y"
    made = [json.loads(path.read_text()) for path in overrides.changed(command, params, tmp_path)]
    assert made == [{"a": a, "b": [{"f": 1.0}], "c": {"e": 2, "g": "y"}} for a in (1, 3)]
    with pytest.raises(AssertionError, match="needs --queue"):
        next(overrides.changed("dvc exp run -S a=1,3", params, tmp_path))


def commands_of_readme():
    """Return the commands that change params.yaml, but for those that tests run for real."""
    begin, end = re.escape(pipeline.BEGIN), re.escape(pipeline.END)
    text = pipeline.pages()
    return overrides.commands(re.sub(rf"(?s){begin}.*{end}", "", text))


@pytest.mark.parametrize("command", commands_of_readme())
def test_a_command_in_readme_changes_params_yaml_to_a_valid_one(command, tmp_path):
    params = presets.resolved("default")
    paths = overrides.changed(command, params, tmp_path)
    # All are loaded and so checked; of a sweep, one may be the run as it stands.
    assert sum(load_params(path) != load_params(toy.DEFAULT) for path in paths)


COMMANDS = sorted(
    path.relative_to(ROOT).with_suffix("").as_posix().removesuffix("/__main__").replace("/", ".")
    for folder in ("stages", "commands", "benchmarks")
    for path in (ROOT / folder).rglob("*.py")
    if '__name__ == "__main__"' in path.read_text()
)


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.filterwarnings("ignore:.*found in sys.modules:RuntimeWarning")
def test_each_command_has_help(name, monkeypatch, capsys):
    monkeypatch.setattr("sys.argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module(name, run_name="__main__", alter_sys=True)
    usage, *about = capsys.readouterr().out.split("\n\n")
    assert ended.value.code == 0
    program = "" if name.startswith("benchmarks") else f"python -m {name} "
    assert usage.startswith(f"usage: {program}")
    assert about[0].strip().endswith(".")


def test_readme_shows_the_lines_that_read_an_exported_subset():
    """Those of the command's help, which tests run."""
    readme = pipeline.pages()
    blocks = [block for block in export.__doc__.split("\n\n") if block.startswith("    ")]
    code = [textwrap.dedent(block).strip() for block in blocks if " = " in block]
    assert len(code) == 5
    assert all(f"```python\n{lines}\n```" in readme for lines in code)
