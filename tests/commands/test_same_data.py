"""Commands that join data/prepared with what was made of it refuse what was made of other data."""

import re
from argparse import Namespace
from dataclasses import replace
from pathlib import Path

import pytest
from dvc.repo import Repo
from finished_run import subset as picks

from commands import correlate, costs, near_duplicates, size
from commands.compare import __main__ as compare
from commands.compare.revision_files import WORKSPACE
from commands.export.__main__ import FORMS
from commands.export.__main__ import run as export
from commands.same_data import require_same_data
from commands.verdict.__main__ import verdicts
from stages.shared import artifacts
from stages.shared.errors import DataError

# What the stages of the finished run wrote, below data, and read below data/prepared.
STAGES = {
    "prepare": (["prepared/meta.json", "prepared/train"], []),
    "seed_subset": (["subsets/0.0625", "subsets/0.125"], ["meta.json", "train/sample_ids.csv"]),
    "race": (["subsets/0.25"], ["meta.json", "train"]),
    "comparison_subsets": (["comparison"], ["train/sample_ids.csv"]),
    "near_duplicates": (["near_duplicates"], ["train"]),
}
STALE = r"may be of other data than data/prepared holds now .*; run `dvc repro`$"
PREPARED = Path("data/prepared")


@pytest.fixture
def known(run):
    """The finished run, as DVC knows it."""
    meta = artifacts.load_meta(PREPARED)
    artifacts.save_meta(PREPARED, replace(meta, dataset="digits"))  # as params.yaml has it
    Repo.init(no_scm=True).close()
    lines = ["stages:"]
    for name, (outs, deps) in STAGES.items():
        lines += [f"  {name}:", "    cmd: 'false'"]
        for key, paths in {"outs": outs, "deps": [f"prepared/{dep}" for dep in deps]}.items():
            lines += [f"    {key}:", *(f"    - data/{path}" for path in paths)] if paths else []
    Path("dvc.yaml").write_text("\n".join(lines))
    with Repo() as repo:
        repo.commit(force=True)
    return run


def grow():
    """Prepare one sample more, as `dvc repro` does before it is broken off."""
    artifacts.save_sample_ids(PREPARED, "train", ["new", *map(str, range(80))])


def test_a_subset_of_other_data_is_not_exported(known):
    grow()
    wanted = [*((form, None) for form in FORMS), *(("list", name) for name in ("0.125", "full"))]
    for form, subset in wanted:
        with pytest.raises(DataError, match=STALE):
            export(form, Path("out"), subset)
        assert not Path("out").exists()


def test_a_subset_of_this_data_is_exported(known):
    for subset in ("0.25", "0.125", "full"):
        export("list", Path(subset), subset)
    ids = set(Path("full").read_text().splitlines()[1:])
    assert ids == {*artifacts.load_sample_ids(PREPARED, "train")}


def test_one_that_dvc_does_not_know_is_not_exported(known):
    """A run that was killed wrote it, and then the data became again what it was."""
    artifacts.save_subset(Path("data/subsets/0.25/seed-0.csv"), picks(range(20)))
    with pytest.raises(DataError, match=r"0\.25 is not what race wrote, by dvc\.lock"):
        export("list", Path("out"), None)
    known.set(compare__subsets=["selected", "random"])
    export("list", Path("out"), "random")


def test_what_lies_there_from_other_rounds_is_not_taken_for_that_of_these(known):
    lock = Path("dvc.lock")
    lock.write_text(lock.read_text().replace("data/subsets/0.125", "data/subsets/0.2"))
    with pytest.raises(DataError, match=STALE):
        export("list", Path("out"), "0.125")
    with pytest.raises(DataError, match=STALE):
        next(size.told([]))


def test_results_of_other_data_are_not_taken_for_those_of_this(known):
    grow()
    for command in (
        lambda: size.told([]),
        lambda: costs.lines(None),
        lambda: verdicts([WORKSPACE]),
        lambda: correlate.run(["."], None),
        lambda: compare.run(Namespace(revisions=["main"], artifacts=False)),
    ):
        with pytest.raises(DataError, match=STALE):
            list(command())


def test_near_duplicates_of_other_data_go_to_no_list(known, monkeypatch, capsys):
    grow()
    before = [path.read_bytes() for path in sorted(Path("lists").iterdir())]
    for arguments in ([], ["--leave-out"]):
        monkeypatch.setattr("sys.argv", ["near_duplicates", *arguments])
        with pytest.raises(SystemExit):
            near_duplicates.main()
        assert re.search(STALE, capsys.readouterr().err.strip())
    assert [path.read_bytes() for path in sorted(Path("lists").iterdir())] == before


def test_where_stages_were_run_by_hand_nobody_knows(run):
    require_same_data("data/subsets")
