"""Working copies of this repository with tiny trainings, and what reruns in them on which change.

`python tests/pipeline.py` writes the table of changes into docs/running.md.
"""

import fcntl
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

ROOT = Path(__file__).parent.parent
RESULTS = ("dvc.lock", "metrics/", "plots/")  # of the real params.yaml
AUTHOR = ["-c", "user.name=Toy", "-c", "user.email=toy@example.org", "-c", "commit.gpgsign=false"]
RERUNS = "docs/running.md"  # the page with the table
BEGIN, END = "<!-- reruns:begin -->", "<!-- reruns:end -->"


def pages() -> str:
    """Return README.md and all pages of docs/, one after the other."""
    return "\n".join(
        path.read_text() for path in [ROOT / "README.md", *sorted(ROOT.glob("docs/*.md"))]
    )


@dataclass(frozen=True)
class Change:
    """A change to a finished pipeline, and what it costs."""

    what: str
    command: str
    stages: tuple[str, ...]  # that run; * stands for every item of a matrix
    members: int  # that are trained; all others are found in the resume folder
    before: str = ""  # commands that make of the default pipeline what is changed


AFTER_ROUND_0 = ("train_ensemble@round1", "predict_pool@round1")
NEW_SELECTED = (
    "comparison_subsets",
    "train_subset_model@*-selected",
    "evaluate@*-selected",
    "report",
)
NEW_MODEL = "cd stages/shared/models/image_classification; cp resnet8.py mine.py; cd -"
CHANGES = [
    Change(
        "acquisition function",
        "dvc exp run -S acquisition=variation_ratios",
        ("score@*", "select@*", "race@*", *AFTER_ROUND_0, *NEW_SELECTED),
        members=18,
    ),
    Change(
        "selection rule",
        "dvc exp run -S select.outliers.fraction=0.1",
        ("select@*", "race@*", *AFTER_ROUND_0, "score@round1", *NEW_SELECTED),
        members=18,
    ),
    Change(
        "one more round",
        "dvc exp run -S 'rounds=[{from: 0.0625, to: 0.125}, {from: 0.125, to: 0.25}, "
        "{from: 0.25, to: 0.5}]'",
        (
            "seed_subset",
            "train_ensemble@round2",
            "predict_pool@round2",
            "score@round2",
            "select@round2",
            "race@round2",
            "comparison_subsets",
            "train_subset_model@*-selected",
            "train_subset_model@*-random",
            "evaluate@*-selected",
            "evaluate@*-random",
            "report",
        ),
        members=24,  # the ensemble of 0.25, and both targets on larger subsets
    ),
    Change(
        "one more target model",
        f"{NEW_MODEL}; dvc exp run -S 'compare.models=[resnet8, mine]'",
        ("weights", "embed", "train_subset_model@mine-*", "evaluate@mine-*", "report"),
        members=18,
    ),
    Change(
        "one more random seed",
        "dvc exp run -S random_seeds=4",
        (
            "seed_subset",
            "train_ensemble@*",
            "predict_pool@*",
            "score@*",
            "select@*",
            "race@*",
            "comparison_subsets",
            "train_subset_model@*",
            "evaluate@*",
            "report",
        ),
        members=14,  # that draw's two ensembles and three target models
    ),
    Change(
        "one more member of the ensemble",
        "dvc exp run -S train_ensemble.members=5",
        ("train_ensemble@*", "predict_pool@*", "score@*", "select@*", "race@*", *NEW_SELECTED),
        # Of each draw one on the seed subset; five and the targets' two on new subsets, but for one
        # draw whose first subset comes out as it was, so that four are found.
        members=20,
    ),
    Change(
        "other voters, where one round starts from a fixed subset",
        "dvc exp run -S predict_pool.voters.checkpoints=best",
        ("predict_pool@*", "score@*", "select@*", "race@*", *NEW_SELECTED),
        members=6,
        before="python -m commands.export list lists/chosen.csv --subset 0.125; "
        "dvc exp run -S seed_size=0.125 -S 'rounds=[{from: 0.125, to: 0.25}]' "
        "-S seed_subset.file=lists/chosen.csv",
    ),
    Change(
        "margin of the report",
        "dvc exp run -S report.margin=1.0",
        ("report",),
        members=0,
    ),
    Change(
        "a comment in the code of a stage",
        "echo '# seen' >> stages/score/correlations.py; dvc repro",
        ("score@*",),
        members=0,
    ),
    Change(
        "a comment in the training loop",
        "echo '# seen' >> stages/shared/training/loop.py; dvc repro",
        ("train_ensemble@*", "race@*", "train_subset_model@*"),
        members=0,
    ),
    Change(
        "a new model file",
        f"{NEW_MODEL}; dvc repro",
        ("weights", "embed"),
        members=0,
    ),
    Change(
        "a new selection rule",
        "cd stages/select/rules/needs_nothing; cp top.py mine.py; cd -; dvc repro",
        ("select@*",),
        members=0,
    ),
    Change(
        "another device or number of workers",
        "SUBSET_DEVICE=cuda SUBSET_WORKERS=8 dvc repro",
        (),
        members=0,
    ),
    Change(
        "a comment in params.yaml",
        "echo '# seen' >> params.yaml; dvc repro",
        (),
        members=0,
    ),
]


def table() -> str:
    """Return the changes as a Markdown table."""
    rows = [
        (
            change.what,
            f"`{change.command}`" + (f" after `{change.before}`" if change.before else ""),
            ", ".join(f"`{stage}`" for stage in change.stages) or "nothing",
            str(change.members),
        )
        for change in CHANGES
    ]
    header = ("change", "command", "stages that run", "members trained")
    return "\n".join(f"| {' | '.join(row)} |" for row in [header, ("---",) * 4, *rows])


def with_table(text: str) -> str:
    """Return a page's text with the table between its markers."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    assert begin, f"docs/running.md has no {BEGIN}"
    assert end, f"docs/running.md has no {END} after it"
    return f"{before}{begin}\n{table()}\n{end}{after}"


@dataclass(frozen=True)
class Output:
    """What a command printed and how it ended."""

    text: str
    code: int

    @property
    def ran(self) -> list[str]:
        """The stages that DVC ran, by name, but for the listing: that runs each time."""
        found = re.findall(r"^Running stage '(.+)':", self.text, re.MULTILINE)
        return sorted(name for name in found if name != "listing")

    @property
    def stages(self) -> list[str]:
        """All stages that DVC ran or left as they were."""
        unchanged = re.findall(r"^Stage '(.+)' didn't change", self.text, re.MULTILINE)
        return sorted([*self.ran, *unchanged])

    def named(self, patterns: Iterable[str]) -> list[str]:
        """Return the stages that patterns such as score@* stand for."""
        return sorted(
            stage
            for stage in self.stages
            if any(fnmatchcase(stage, pattern) for pattern in patterns)
        )


@dataclass(frozen=True)
class Checkout:
    """A working copy of the repository, and its resume folder."""

    folder: Path
    resume: Path

    def run(self, *command: str, **settings: str) -> Output:
        """Run a command to its end, whatever that is."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return Output(done.stdout, done.returncode)

    def dvc(self, *arguments: str, **settings: str) -> Output:
        """Run a DVC command that must succeed."""
        output = self.run(*dvc_command(*arguments), **settings)
        assert output.code == 0, output.text
        return output

    def git(self, *arguments: str) -> str:
        """Run a git command that must succeed, and return what it printed."""
        output = self.run("git", *AUTHOR, *arguments)
        assert output.code == 0, output.text
        return output.text

    def environment(self, **settings: str) -> dict[str, str]:
        """Return the environment of commands: nothing of the user's, two workers on the CPU."""
        foreign = ("DVC_", "GIT_", "SUBSET_", "PYTHONDONTWRITEBYTECODE")  # code is compiled once
        own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        around = self.folder.parent
        return {
            **own,
            "DVC_GLOBAL_CONFIG_DIR": str(around / "dvc-global"),
            "DVC_NO_ANALYTICS": "1",
            "DVC_SITE_CACHE_DIR": str(around / "dvc-site"),
            "DVC_SYSTEM_CONFIG_DIR": str(around / "dvc-system"),
            "OMP_NUM_THREADS": "1",
            "PATH": f"{Path(sys.executable).parent}{os.pathsep}{own['PATH']}",
            "SUBSET_DEVICE": "cpu",
            "SUBSET_RESUME": str(self.resume),
            "SUBSET_WORKERS": "2",
            **settings,
        }

    def lock(self) -> dict[str, Any]:
        """Return dvc.lock: the hashes of all that stages read and wrote."""
        content: dict[str, Any] = YAML(typ="safe", pure=True).load(self.folder / "dvc.lock")
        return content

    def members(self) -> dict[str, int]:
        """Return the finished members of the resume folder, and when each was finished."""
        return {
            path.name: path.stat().st_mtime_ns
            for path in self.resume.glob("members/*")
            if not path.name.startswith(".")
        }

    def wait_for_queue(self) -> None:
        """Wait until DVC's own process has run what is queued, however long it takes to begin."""
        for _ in range(1200):
            status = self.dvc("queue", "status").text
            assert "Failed" not in status, status
            if "Success" in status:
                return
            time.sleep(1)
        raise AssertionError(status)

    def copy(self, folder: Path) -> "Checkout":
        """Copy everything, DVC's cache and the resume folder too, into an empty folder."""
        # Times and hard links are kept: DVC need not hash files again.
        subprocess.run(["cp", "-a", str(self.folder), str(folder / "project")], check=True)
        subprocess.run(["cp", "-a", str(self.resume), str(folder / "resume")], check=True)
        return Checkout(folder / "project", folder / "resume").of_somebody()

    def of_somebody(self) -> "Checkout":
        """Let git know a name: DVC needs one where an experiment begins with files of the user's.

        It asks git's configuration, and no command line's.
        """
        self.git("config", "user.name", "Toy")
        self.git("config", "user.email", "toy@example.org")
        return self

    def clone(self, folder: Path) -> "Checkout":
        """Clone what is in git into an empty folder."""
        self.git("clone", "--quiet", str(self.folder), str(folder / "project"))
        return Checkout(folder / "project", folder / "resume")


def dvc_command(*arguments: str) -> list[str]:
    """Return the command line of a DVC command in this environment."""
    return [sys.executable, "-m", "dvc", *arguments]


def tiny_checkout(folder: Path) -> Checkout:
    """Return a committed copy of the repository whose trainings take a fraction of a second."""
    checkout = Checkout(folder / "project", folder / "resume")
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    )
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith(RESULTS):
            (checkout.folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, checkout.folder / name)
    write = [sys.executable, "-m", "commands.preset", "digits"]
    subprocess.run(write, cwd=checkout.folder, check=True, capture_output=True)
    make_tiny(checkout.folder / "params.yaml")
    checkout.git("init", "--quiet", "--initial-branch=main")
    checkout.git("add", "--all")
    checkout.git("commit", "--quiet", "--message=Start")
    return checkout


def finished_checkout(factory: pytest.TempPathFactory) -> Checkout:
    """Return a checkout whose pipeline ran to its end, results committed; all files share the run.

    It is a copy for whoever calls: two DVC processes cannot work in one folder.
    """
    shared = factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent
    made = shared / "finished"
    with (shared / "finished.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not made.exists():
            building = shared / "unfinished"
            shutil.rmtree(building, ignore_errors=True)  # of a run that failed
            checkout = tiny_checkout(building)
            checkout.dvc("repro")
            checkout.git("add", "--all")
            checkout.git("commit", "--quiet", "--message=Results")
            building.rename(made)
    return Checkout(made / "project", made / "resume").copy(factory.mktemp("finished"))


def make_tiny(path: Path) -> None:
    """Shorten the trainings that a params.yaml asks for; all else stays as users have it.

    The learning rate is too high throughout: accuracy jumps, so the best epoch is not the last.
    """
    yaml = YAML()
    params = yaml.load(path)
    for section in ("train_ensemble", "train_subset_model"):
        params[section]["length"]["updates"] = 40
        params[section]["validations"] = "every_epoch"
        params[section]["optimizer"]["learning_rate"] = 3.0
        params[section]["schedule"].update(peak_at=0.99, start=1.0)
    yaml.dump(params, path)


if __name__ == "__main__":
    readme = ROOT / RERUNS
    readme.write_text(with_table(readme.read_text()))
