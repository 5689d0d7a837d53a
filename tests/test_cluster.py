"""The engine on a Ray cluster of two nodes: the bytes of one machine, also when parts of it die.

The stages run as processes, as DVC runs them; the cluster is real and on this machine alone.
"""

import os
import subprocess
import sys
import time
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import psutil
import pytest
import toy

from stages.embed import frozen
from stages.shared import artifacts

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ray") is None, reason="the extra [ray] is not installed"),
]

NUM_MEMBERS = 3
TIMEOUT_S = 1200  # of what has gone wrong
TRAINED = ("ensemble", "history", "dynamics")


@dataclass(frozen=True)
class Cluster:
    address: str
    process: subprocess.Popen

    def remove_node(self):
        """Take the second node away."""
        self.process.stdin.write("remove\n")
        self.process.stdin.flush()
        assert self.process.stdout.readline() == "removed\n"

    def end(self):
        """Shut the cluster down."""
        self.process.communicate(timeout=TIMEOUT_S)


def start_cluster(attempts=3):
    """Start a cluster; on a busy machine Ray may find its own nodes too slow, and gives up."""
    process = subprocess.Popen(
        [sys.executable, str(toy.ROOT / "tests/ray_cluster.py")],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    address = process.stdout.readline().strip()
    if not address:
        process.communicate()
        assert attempts > 1, "the cluster did not start"
        return start_cluster(attempts - 1)
    return Cluster(address, process)


@pytest.fixture(scope="module")
def cluster():
    started = start_cluster()
    yield started
    started.end()


@dataclass(frozen=True)
class Project:
    """A folder with params.yaml, prepared data, a subset and the code."""

    folder: Path

    def start(self, stage, *arguments, **settings):
        """Start a stage as DVC does."""
        foreign = ("RAY_", "SUBSET_")
        own = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        return subprocess.Popen(
            [sys.executable, "-m", f"stages.{stage}", *map(str, arguments)],
            cwd=self.folder,
            env={**own, "OMP_NUM_THREADS": "1", "SUBSET_DEVICE": "cpu", **settings},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def train(self, **settings):
        return self.start(
            "train_ensemble", "prepared", "none", "subset", "weights", *TRAINED, **settings
        )

    def run(self, stage, *arguments, **settings):
        """Run a stage to its end, which must be a good one."""
        finish(self.start(stage, *arguments, **settings))

    def content(self, *names):
        """Return the bytes of all files below some paths."""
        paths = [path for name in names for path in (self.folder / name, *self.of(name))]
        return {
            str(path.relative_to(self.folder)): path.read_bytes()
            for path in sorted(paths)
            if path.is_file()
        }

    def of(self, name):
        return (self.folder / name).rglob("*")


def finish(process):
    output, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 0, output


def new_project(folder, num_updates=40, learning_rate=0.4):
    folder.mkdir()
    (folder / "stages").symlink_to(toy.ROOT / "stages")
    toy.write_prepared(folder / "prepared")
    (folder / "weights").touch()  # random ones
    content = toy.default_params()
    content["train_ensemble"].update(
        {"members": NUM_MEMBERS, "length": {"updates": num_updates}, "batch_size": 8}
    )
    content["train_ensemble"]["optimizer"]["learning_rate"] = learning_rate
    content["predict_pool"]["batch_size"] = 16
    content["select"]["candidates"] = "all"  # a sample may be drawn twice
    toy.write_params(folder, content)
    artifacts.save_subset(folder / "subset/seed-0.csv", toy.picks([*range(0, 40, 2), 7, 7]))
    return Project(folder)


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """What the workers of this machine make."""
    project = new_project(tmp_path_factory.mktemp("local") / "project")
    finish(project.train())
    project.run("predict_pool", "prepared", "none", "ensemble", "signals")
    return project


def on(cluster):
    return {
        "SUBSET_ENGINE": "ray",
        "RAY_ADDRESS": cluster.address,
        "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",
    }


def test_a_cluster_trains_and_predicts_to_the_bytes_of_one_machine(cluster, local, tmp_path):
    project = new_project(tmp_path / "project")

    finish(project.train(**on(cluster)))
    project.run("predict_pool", "prepared", "none", "ensemble", "signals", **on(cluster))

    expected = local.content(*TRAINED, "signals")
    assert len(expected) > 15
    assert project.content(*TRAINED, "signals") == expected


def test_a_race_on_a_cluster_ends_as_on_one_machine(cluster, tmp_path):
    here, there = (new_project(tmp_path / name) for name in ("here", "there"))
    for project, settings in ((here, {}), (there, on(cluster))):
        write_race(project.folder)
        project.run(
            "race",
            "0.25",
            "prepared",
            "none",
            "proposals",
            "weights",
            "subsets",
            "races",
            **settings,
        )

    assert len(here.content("subsets", "races")) == 3
    assert there.content("subsets", "races") == here.content("subsets", "races")


def write_race(folder):
    """Write a race of one entrant against two random subsets."""
    content = toy.default_params()
    content["race"] |= {"entrants": {"hardest": {}}, "judges": 1}
    content["train_subset_model"] |= {"length": {"updates": 20}, "batch_size": 8}
    toy.write_params(folder, content)
    for first, name in enumerate(("hardest", "random-0", "random-1")):
        picks = toy.picks(list(range(first, first + 15)))
        artifacts.save_subset(folder / f"proposals/seed-0/{name}.csv", picks)


def test_images_are_embedded_on_a_cluster_to_the_bytes_of_one_machine(cluster, tmp_path):
    """Of train there are three shards, each a piece of work."""
    here, there = (new_project(tmp_path / name) for name in ("here", "there"))
    for project, settings in ((here, {}), (there, on(cluster))):
        write_many(project.folder, 2 * frozen.SHARD + 76)
        project.run("embed", "prepared", "weights", "embeddings", **settings)

    expected = here.content("embeddings")
    assert len(expected) == 2 + 3 * 5  # of each split vectors, targets, ids, digests, contrasts
    assert there.content("embeddings") == expected


def write_many(folder, num):
    """Write so many images as the train split, which are to be embedded."""
    content = toy.default_params()
    content["embed"]["model"] = "resnet8_quarter"
    toy.write_params(folder, content)
    prepared = folder / "prepared"
    pixels, targets = toy.images(num, np.random.default_rng(0))
    artifacts.save_array(prepared / "train/inputs.npy", pixels)
    artifacts.save_targets(prepared, "train", targets)
    artifacts.save_sample_ids(prepared, "train", [f"train-{row}" for row in range(num)])
    meta = artifacts.load_meta(prepared)
    artifacts.save_meta(prepared, replace(meta, num_samples={**meta.num_samples, "train": num}))


def test_members_that_are_finished_here_are_not_trained_there(cluster, local, tmp_path):
    project = new_project(tmp_path / "project")
    resume = {"SUBSET_RESUME": str(local.folder / ".resume")}
    before = {path: path.stat().st_mtime_ns for path in local.of(".resume")}

    finish(project.train(**on(cluster), **resume))

    assert project.content(*TRAINED) == local.content(*TRAINED)
    # The folder itself has held a file while the cluster looked whether it is shared.
    assert {path: path.stat().st_mtime_ns for path in local.of(".resume")} == before


def test_an_error_of_the_users_is_one_line_and_names_the_node(cluster, tmp_path):
    project = new_project(tmp_path / "project", learning_rate=1e30)

    process = project.train(**on(cluster))

    output, _ = process.communicate(timeout=TIMEOUT_S)
    assert process.returncode == 1
    (line,) = [line for line in output.splitlines() if line.startswith("error: ")]
    assert "it must stay finite" in line
    assert line.endswith(f"(on node {os.uname().nodename})")
    assert "Traceback" not in output


def test_what_the_cluster_does_not_have_is_refused(cluster, tmp_path):
    project = new_project(tmp_path / "project")
    cases = [
        ({"SUBSET_CPUS_PER_PIECE": "2"}, "a piece of work needs 2 CPUs; the largest node"),
        ({"SUBSET_DEVICE": "cuda"}, "SUBSET_DEVICE is 'cuda'; the cluster has no GPU"),
    ]
    for settings, message in cases:
        process = project.train(**(on(cluster) | settings))
        output, _ = process.communicate(timeout=TIMEOUT_S)
        assert process.returncode == 1
        assert message in output
        assert "Traceback" not in output


def test_a_killed_worker_and_a_lost_node_change_no_byte(tmp_path):
    """Pieces whose process or node is lost run again, on what is left of the cluster."""
    cluster = start_cluster()
    try:
        undisturbed, project = (
            new_project(tmp_path / name, num_updates=200) for name in ("undisturbed", "project")
        )
        finish(undisturbed.train())
        training = project.train(**on(cluster))
        pieces_of(cluster, 2)[0].kill()
        pieces_of(cluster, 2)
        cluster.remove_node()
        finish(training)
    finally:
        cluster.end()

    assert project.content(*TRAINED) == undisturbed.content(*TRAINED)


def pieces_of(cluster, count):
    """Wait until so many pieces of work train, and return their processes."""
    for _ in range(10 * TIMEOUT_S):
        running = [
            process
            for process in psutil.Process(cluster.process.pid).children(recursive=True)
            if is_piece(process)
        ]
        if len(running) >= count:
            return running
        time.sleep(0.1)
    raise AssertionError(f"{len(running)} pieces run; there should be {count}")


def is_piece(process):
    try:
        return "_run_piece" in " ".join(process.cmdline())
    except psutil.Error:  # it has just ended
        return False
