"""The whole pipeline by real DVC commands, on the digits with trainings of 40 updates."""

import csv
import json
import re
import shlex
import shutil
import subprocess
import sys
import time
from fnmatch import fnmatchcase

import overrides
import pipeline
import psutil
import pytest
from ruamel.yaml import YAML

FIRST_ENSEMBLE = "train_ensemble@round0"
OF_ENSEMBLE, OF_TARGET = 3 * 4, 3 * 2  # members of an ensemble and of a target model, all draws
MOST_OFF = 10.0  # times: much may run beside the plan, or have run beside the pipeline


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """A checkout whose pipeline ran to its end, results committed. Tests that write copy it."""
    return pipeline.finished_checkout(tmp_path_factory)


def test_the_readme_shows_what_reruns_on_which_change():
    """`python tests/pipeline.py` brings it up to date."""
    text = (pipeline.ROOT / pipeline.RERUNS).read_text()

    assert text == pipeline.with_table(text)


@pytest.mark.slow
def test_a_second_run_runs_nothing(finished):
    output = finished.dvc("repro")

    assert output.stages
    assert output.ran == []
    assert finished.git("status", "--porcelain") == ""


@pytest.mark.slow
def test_a_fresh_clone_gives_the_same_bytes_with_one_worker(finished, tmp_path):
    clone = finished.clone(tmp_path)
    (clone.folder / "dvc.lock").unlink()
    for results in ("metrics", "plots"):
        shutil.rmtree(clone.folder / results)

    output = clone.dvc("repro", SUBSET_WORKERS="1")

    assert output.ran == output.stages
    assert len(clone.members()) == 2 * OF_ENSEMBLE + 3 * OF_TARGET
    # dvc.lock holds the hash of every output; the summary and the tables are in git themselves.
    assert clone.git("status", "--porcelain") == ""
    seconds = [(made.folder / "metrics/timings.json").read_bytes() for made in (finished, clone)]
    assert seconds[0] != seconds[1]


CHANGES = {change.what: change for change in pipeline.CHANGES}
FURTHER_DOWN = {"selection rule"}  # with what else comes of it


def require(change, before, output, after):
    """Require that a change ran these stages, and trained so many members and none again."""
    assert output.code == 0, output.text
    assert output.ran == output.named(change.stages)
    assert before.items() <= after.items()
    assert len(after) - len(before) == change.members


@pytest.mark.slow
@pytest.mark.parametrize("what", sorted(CHANGES.keys() - FURTHER_DOWN))
def test_a_change_reruns_what_the_readme_says_and_trains_nothing_twice(finished, tmp_path, what):
    change = CHANGES[what]
    checkout = finished.copy(tmp_path)
    if change.before:
        # Nothing is asked of random subsets and everything here: they take as long again.
        alone = change.before.replace("exp run", "exp run -S compare.subsets=[selected]")
        prepared = checkout.run("bash", "-c", f"set -e; {alone}")
        assert prepared.code == 0, prepared.text
    before = checkout.members()

    output = checkout.run("bash", "-c", change.command)

    assert "is cached" not in output.text  # restored by DVC instead of run
    require(change, before, output, checkout.members())


@pytest.mark.slow
def test_queued_experiments_share_finished_members(finished, tmp_path):
    checkout = finished.copy(tmp_path)
    in_the_repository = {"SUBSET_RESUME": ""}
    sweep = "acquisition=mutual_information,variation_ratios"  # the first is there already

    checkout.dvc("exp", "run", "--queue", "--name", "sweep", "-S", sweep)
    output = checkout.dvc("exp", "run", "--run-all", **in_the_repository)

    assert "train_subset_model@resnet8-selected" in output.ran
    assert FIRST_ENSEMBLE not in output.ran
    assert len(list((checkout.folder / ".resume/members").iterdir())) == OF_ENSEMBLE + OF_TARGET
    rows = list(csv.DictReader(checkout.dvc("exp", "show", "--csv").text.splitlines()))
    acquisitions = {row["Experiment"]: row["acquisition"] for row in rows}
    assert acquisitions["sweep-1"] == "mutual_information"
    assert acquisitions["sweep-2"] == "variation_ratios"
    difference = checkout.dvc("metrics", "diff", "sweep-1", "sweep-2").text
    assert "resnet8.selected" in difference
    assert "resnet8.full" not in difference


@pytest.mark.slow
def test_metrics_and_plots_can_be_shown(finished, tmp_path):
    metrics = json.loads(finished.dvc("metrics", "show", "--json").text)
    finished.dvc("plots", "show", "--out", str(tmp_path))

    files = metrics[""]["data"]
    assert list(files) == ["metrics/summary.json"]
    assert {"selected", "random", "full"} < set(files["metrics/summary.json"]["data"]["resnet8"])
    shown = finished.dvc("metrics", "show").text.splitlines()
    assert max(len(line.rstrip()) for line in shown) <= 120
    page = (tmp_path / "index.html").read_text()
    for chart in ("accuracy", "validation_by_epoch", "class_shares", "consensus"):
        assert f"plots_tables_{chart}" in page


@pytest.mark.slow
def test_experiments_are_shown_on_one_screen_finished_failed_and_queued(finished, tmp_path):
    checkout = finished.copy(tmp_path)
    command = [sys.executable, "-m", "commands.experiments"]
    assert "main has no experiments" in checkout.run(*command).text
    checkout.dvc("exp", "run", "--queue", "--name", "fails", "-S", "acquisition=bal")
    checkout.run(*pipeline.dvc_command("exp", "run", "--run-all"))
    save_experiment_that_differs_in_all(checkout)
    checkout.git("checkout", "--quiet", "--force", ".")
    checkout.dvc("exp", "run", "--queue", "--name", "waits", "-S", "acquisition=entropy")

    output = checkout.run(*command)

    assert output.code == 0, output.text
    lines = output.text.splitlines()
    assert max(map(len, lines)) <= 120
    assert lines[0].split()[:4] == ["experiment", "state", "changed", "settings"]
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:] if line[0] != " "}
    assert rows["other"][0] == "random_seed=1"
    assert len(rows["other"]) == 1 + 4 + 2  # the setting, the metrics, a time of two words
    assert rows["waits"] == ["queued", "acquisition=entropy"]
    assert rows["fails"] == ["failed", "acquisition=bal"]
    assert list(rows) == ["workspace", "main", "other", "waits", "fails"]


def save_experiment_that_differs_in_all(checkout):
    """Save an experiment of another random seed with other numbers, without a run."""
    params, summary = (checkout.folder / name for name in ("params.yaml", "metrics/summary.json"))
    params.write_text(params.read_text().replace("random_seed: 0", "random_seed: 1"))
    summary.write_text(re.sub(r"(?<=: )(?=[\d-])", "1", summary.read_text().replace("-", "")))
    # Other than `exp run` it asks git's configuration who saves, and no command line's.
    checkout.git("config", "user.name", "Toy")
    checkout.git("config", "user.email", "toy@example.org")
    checkout.dvc("exp", "save", "--force", "--name", "other")


def of_the_search(text):
    """Return a table's lines, words apart by one space.

    Without the listing, which runs each time, and the report, which is no part of what is counted.
    """
    lines = (" ".join(line.split()) for line in text.splitlines())
    return [line for line in lines if not line.startswith(("listing ", "report "))]


@pytest.mark.slow
def test_seconds_are_those_of_the_outputs_that_lie_here(finished, tmp_path):
    """Whichever stages ran since: DVC takes outputs from its cache, and members are found."""
    checkout = finished.copy(tmp_path)
    costs = [sys.executable, "-m", "commands.costs"]
    before = checkout.run(*costs)
    assert before.code == 0, before.text
    trainings = re.findall(r"\d of [0-9.]+ s", before.text)
    assert len(trainings) == 5, "those of two ensembles and three targets"
    verdict = checkout.run(sys.executable, "-m", "commands.verdict", "workspace").text
    assert "\n- The search took " in verdict

    members, command = checkout.members(), CHANGES["selection rule"].command
    output = checkout.run(*shlex.split(command))
    require(CHANGES["selection rule"], members, output, checkout.members())
    assert checkout.run(*costs).text != before.text
    checkout.git("checkout", "--quiet", ".")
    checkout.dvc("checkout")

    assert of_the_search(checkout.run(*costs).text) == of_the_search(before.text)
    assert checkout.run(sys.executable, "-m", "commands.verdict", "workspace").text == verdict


# --- the plan -------------------------------------------------------------------------------------

PLANNED = (
    "import json; from commands.plan.graph import load_graph; "
    "from stages.shared.settings.params import load_params; "
    "print(json.dumps({stage.name: stage.state for stage in load_graph(load_params())}))"
)


@pytest.mark.slow
def test_the_plan_names_all_stages_that_a_change_runs(finished, tmp_path):
    checkout = finished.copy(tmp_path)
    of_default = [change for change in pipeline.CHANGES if not change.before]
    for change in of_default[::3]:  # of each kind one
        make(change.command, checkout.folder)
        states = json.loads(checkout.run(sys.executable, "-c", PLANNED).text.splitlines()[-1])

        planned = {name for name, state in states.items() if state in ("changed", "follows")}
        ran = {name for name in states if any(fnmatchcase(name, each) for each in change.stages)}
        assert ran <= planned, change.what
        # What did not run after all found the results above equal, as a random subset's are.
        assert {states[name] for name in planned - ran} <= {"follows"}, change.what
        assert bool(planned) == bool(ran), change.what
        checkout.git("checkout", "--quiet", ".")
        checkout.git("clean", "--quiet", "--force", "stages")


@pytest.mark.slow
def test_the_plan_says_what_a_change_costs_and_writes_nothing(finished, tmp_path):
    checkout = finished.copy(tmp_path)
    before = listing(checkout.folder), checkout.git("status", "--porcelain")
    command = [sys.executable, "-m", "commands.plan", "-S", "train_ensemble.members=5"]

    output = checkout.run(*command)

    assert output.code == 0, output.text
    assert (listing(checkout.folder), checkout.git("status", "--porcelain")) == before
    # Four of each draw's five members lie in the resume folder: one is left to train.
    assert re.search(r"train_ensemble@round0 +train_ensemble +3 x 40 updates ", output.text)
    assert "24 stages: 2 will run; 16 will run unless a result above stays equal" in output.text


@pytest.mark.slow
def test_the_plan_of_a_fresh_clone_is_what_the_stages_take(finished, tmp_path):
    clone = finished.clone(tmp_path)  # nothing is prepared, cached or finished
    timings = json.loads((finished.folder / "metrics/timings.json").read_text())
    del timings["listing"]  # it runs, and will find the files as they were

    output = clone.run(sys.executable, "-m", "commands.plan", "--wide")

    found = re.findall(r"^(\S+) .* ([0-9.]+) s$", output.text, re.MULTILINE)
    assert {name for name, _ in found} == set(timings), output.text
    ratio = sum(float(seconds) for _, seconds in found) / sum(
        entry["seconds"] for entry in timings.values()
    )
    assert 1 / MOST_OFF < ratio < MOST_OFF
    [written] = re.findall(r"memory, and ([0-9.]+) MB on disk", output.text)
    folders = (finished.folder / "data", finished.resume)
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert float(written) * 1e6 == pytest.approx(
        sum(path.stat().st_size for path in files), rel=0.5
    )


def make(command, folder):
    """Make a change of pipeline.CHANGES in a folder, without the run that comes with it."""
    before_run, _, _ = command.partition("dvc ")
    if before_run.strip(" ;"):
        subprocess.run(["bash", "-c", before_run], cwd=folder, check=True, capture_output=True)
    if "dvc exp run" in command:
        params = folder / "params.yaml"
        settings = command[command.index("dvc exp run") :]
        for path in overrides.changed(settings, YAML(typ="safe").load(params), folder):
            path.rename(params)


def listing(folder):
    """Return all files of a project but DVC's and git's own, with their times."""
    return {
        str(path.relative_to(folder)): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and not {".dvc", ".git", "__pycache__"} & set(path.parts)
    }


@pytest.mark.slow
def test_a_wrong_parameter_stops_the_first_stage_in_one_line(finished, tmp_path):
    clone = finished.clone(tmp_path)
    params = clone.folder / "params.yaml"
    text = params.read_text()
    params.write_text(text.replace("acquisition: mutual_information", "acquisition: bal"))

    output = clone.run(*pipeline.dvc_command("repro"))

    assert output.code != 0
    assert output.ran == []
    assert "failed to reproduce 'listing'" in output.text
    assert "exited with 1" in output.text
    assert "error: params.yaml: acquisition is 'bal'; " in output.text
    assert "Traceback" not in output.text


@pytest.mark.slow
def test_after_a_kill_finished_members_are_kept_and_the_bytes_are_the_same(finished, tmp_path):
    checkout = finished.copy(tmp_path)
    forget_first_ensemble(checkout)

    workers = kill_after_first_member(checkout)

    assert all(ends_soon(process) for process in workers)
    after_kill = checkout.members()
    assert 1 <= len(after_kill) < OF_ENSEMBLE

    again = checkout.dvc("repro")

    assert again.ran == [FIRST_ENSEMBLE]
    assert after_kill.items() <= checkout.members().items()
    assert len(checkout.members()) == OF_ENSEMBLE
    assert checkout.lock() == finished.lock()


def forget_first_ensemble(checkout):
    """Drop all that DVC and the resume folder know of it."""
    lock = checkout.lock()
    del lock["stages"][FIRST_ENSEMBLE]
    (checkout.folder / "dvc.lock").write_text(json.dumps(lock))  # YAML 1.2 includes JSON
    shutil.rmtree(checkout.folder / ".dvc/cache/runs")
    shutil.rmtree(checkout.resume)


def kill_after_first_member(checkout):
    """Kill DVC and the stage it runs, and return the workers: those nobody kills."""
    running = subprocess.Popen(
        pipeline.dvc_command("repro"),
        cwd=checkout.folder,
        env=checkout.environment(SUBSET_WORKERS="1"),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    while not checkout.members():
        assert running.poll() is None, "the stage ended before a member was finished"
        time.sleep(0.001)
    started = psutil.Process(running.pid).children(recursive=True)
    stages = [process for process in started if "stages.train_ensemble" in process.cmdline()]
    running.kill()
    for process in stages:
        process.kill()
    running.wait()
    assert stages
    workers = [process for process in started if process not in stages]
    assert workers
    return workers


def ends_soon(process):
    """Return whether a process ends by itself; on a busy machine it takes longer."""
    for _ in range(6000):
        # Where nobody waits for an orphan it stays as a zombie.
        if not process.is_running() or process.status() == psutil.STATUS_ZOMBIE:
            return True
        time.sleep(0.1)
    return False
