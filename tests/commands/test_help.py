"""What each command says: help with an example that parses and no internals, in 100 columns."""

import argparse
import importlib
import re
import shlex
import sys

import pytest
import toy
from pipeline import Checkout

import benchmarks.__main__
import commands.__main__
from commands import console
from stages.report.numbers.summary import summarise
from stages.report.samples.suspected import HEADER
from stages.shared import artifacts

COMMANDS = sorted(
    path.relative_to(toy.ROOT).with_suffix("").as_posix().replace("/", ".")
    for path in (toy.ROOT / "commands").rglob("*.py")
    if '__name__ == "__main__"' in path.read_text()
)
COMMANDS.remove("commands.__main__")  # lists the others
INTERNALS = re.compile(r"\.py\b|Shapes?:|\bstages/|\b[A-Z]: |Reads  |Writes  ")


class ParsedError(Exception):
    """The command line was parsed."""


def call(monkeypatch, name, *arguments):
    """Call a command's main in this process."""
    monkeypatch.setattr(sys, "argv", [name, *arguments])
    of_folder = f"{name}.__main__"
    importlib.import_module(of_folder if of_folder in COMMANDS else name).main()


@pytest.fixture(params=COMMANDS)
def command(request):
    """The name of each command's module in turn."""
    return request.param


@pytest.fixture
def said(command, monkeypatch, capsys):
    """What its --help says."""
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, command, "--help")
    assert ended.value.code == 0
    return capsys.readouterr().out


def test_help_says_usage_what_an_example_and_options_in_100_columns(command, said):
    program = f"python -m {command.removesuffix('.__main__')}"
    usage, what, example, *options = said.split("\n\n")
    assert usage.startswith(f"usage: {program} [-h]")
    assert what.endswith(".")
    assert example.startswith(f"example:\n  {program}")
    assert options[-1].startswith("options:\n")
    assert max(map(len, said.splitlines())) <= console.COLUMNS
    assert not INTERNALS.search(said)


def test_the_example_of_the_help_parses(command, said, monkeypatch):
    [line] = re.search(r"^example:\n(.+\n)\n", said, re.MULTILINE)[1].splitlines()
    parse = argparse.ArgumentParser.parse_args

    def parse_and_stop(*arguments, **settings):
        parse(*arguments, **settings)
        raise ParsedError

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_and_stop)
    with pytest.raises(ParsedError):
        call(monkeypatch, command, *shlex.split(line)[3:])


def test_all_commands_are_listed_in_100_columns():
    listed = "\n".join(commands.__main__.lines())
    names = [line.split()[0] for line in listed.splitlines() if re.match(r"\w", line)]
    assert [f"commands.{name}" for name in names] == [
        command.removesuffix(".__main__") for command in COMMANDS
    ]
    assert fits(listed)


def test_all_benchmarks_are_listed_with_what_they_measure():
    listed = "\n".join(benchmarks.__main__.lines())
    assert re.search(r"^race_table +The race against random, ", listed, re.MULTILINE)
    assert not re.search(r"^rows ", listed, re.MULTILINE)  # is no script
    assert fits(listed)


# --- lines and tables -----------------------------------------------------------------------------


def test_long_lines_go_on_below_and_long_words_stay_whole(capsys):
    word = "x" * 120
    console.say(f"{'some words ' * 12}{word}")
    console.say("short")
    *first, last, short = capsys.readouterr().out.splitlines()
    assert all(len(line) <= 100 for line in first)
    assert (last, short) == (word, "short")


def test_a_table_is_cut_in_its_widest_words_until_it_fits():
    rows = [("stage", "why", "time"), ("a" * 40, "b" * 80, "1 s"), ("c", "d", "12 s")]
    table = console.text_table(rows).splitlines()
    assert max(map(len, table)) == 100
    assert table[0].split() == ["stage", "why", "time"]
    assert table[1] == f"{'a' * 40}  {'b' * 26}…{'b' * 25}   1 s"
    assert console.text_table(rows, None).splitlines()[1] == f"{'a' * 40}  {'b' * 80}   1 s"


@pytest.mark.parametrize(
    ("text", "length", "shown"), [("abcdef", 6, "abcdef"), ("abcdef", 5, "ab…ef"), ("abc", 2, "a…")]
)
def test_a_text_is_cut_in_its_middle(text, length, shown):
    assert console.shortened(text, length) == shown


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ([{"from": 0.25, "to": 1.0}], "[{from: 0.25, to: 1.0}]"),
        (None, "null"),
        (True, "true"),
        ("a", "a"),
        ({}, "{}"),
    ],
)
def test_a_setting_stands_in_one_line_of_yaml(value, text):
    assert console.in_yaml(value) == text


# --- on a finished run ----------------------------------------------------------------------------


def fits(text, columns=console.COLUMNS):
    """Return whether a text fits; long paths are kept whole."""
    return bool(text) and all(
        len(line) <= columns or " " not in line.strip() for line in text.splitlines()
    )


@pytest.mark.parametrize(
    "line",
    [
        "costs",
        "resume",
        "preset",
        "preset svp_amazon train_ensemble.members=4",
        "preset imagenet_voters",
        "suspects plots/suspects.csv lists/exclude.csv",
    ],
)
def test_what_a_command_prints_fits_100_columns(run, monkeypatch, capsys, line):
    artifacts.save_table(run.root / "plots/suspects.csv", HEADER, [("7", "label")])
    name, *arguments = shlex.split(line)
    call(monkeypatch, f"commands.{name}", *arguments)
    # Where the project lies, and how long that is, is the user's choice.
    assert fits(capsys.readouterr().out.replace(str(run.root), "project"))


@pytest.fixture
def in_git(run, monkeypatch):
    """The finished run as a project of git and DVC, all of it in git, and then a change."""
    artifacts.save_json(run.root / "metrics/summary.json", summarise(run.draws()))
    checkout = Checkout(run.root, run.root / "resume")
    for name in ("DVC_GLOBAL_CONFIG_DIR", "DVC_SITE_CACHE_DIR", "DVC_SYSTEM_CONFIG_DIR"):
        monkeypatch.setenv(name, str(run.root.parent / name))
    (run.root / "dvc.yaml").write_text((toy.ROOT / "dvc.yaml").read_text())
    checkout.git("init", "--quiet")
    checkout.dvc("init", "--quiet")
    checkout.git("add", "--all", "--force")
    checkout.git("commit", "--quiet", "--message", "Run")
    run.set(acquisition="variation_ratios", report__margin=1.0)
    return run


@pytest.mark.slow
@pytest.mark.parametrize(
    ("line", "columns"),
    [
        ("compare HEAD", 100),
        ("verdict workspace", 100),
        ("experiments", 120),
    ],
)
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # in what DVC imports
def test_what_a_command_prints_of_revisions_fits_too(in_git, monkeypatch, capsys, line, columns):
    name, *arguments = shlex.split(line)
    call(monkeypatch, f"commands.{name}", *arguments)
    assert fits(capsys.readouterr().out, columns)
