"""Whatever is killed, interrupted or refused, the next `dvc repro` goes on and loses nothing.

A toy project of 200 images, one round and two members; `dvc repro` is killed, or what it runs.
"""

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from itertools import cycle, islice

import numpy as np
import pipeline
import psutil
import pytest
import toy
from ruamel.yaml import YAML

from stages.shared.artifacts import files

pytestmark = pytest.mark.slow

CLEAR = ["rm", "-f", "dvc.lock", ".dvc/tmp/rwlock"]  # the run cache has what dvc.lock said
KINDS = ("stage", "worker", "dvc")
NUM_KILLS = 6
TRAINING = "train_subset_model@resnet8_quarter-selected"  # the last one
TIMEOUT_S = 600.0
POLL_S = 0.02


def write_toy(folder):
    """Return a checkout whose pipeline has one round on 200 images."""
    checkout = pipeline.tiny_checkout(folder)
    toy.write_images(checkout.folder / "data/raw", toy.images(200, np.random.default_rng(0)))
    path = checkout.folder / "params.yaml"
    params = YAML(typ="safe", pure=True).load(path.read_text())
    params["dataset"]["name"] = "imagefolder"
    params |= {"seed_size": 36, "rounds": [{"from": 36, "to": 72}]}
    params["compare"] = {"models": ["resnet8_quarter"], "subsets": ["selected"]}
    for section in ("train_ensemble", "train_subset_model"):
        params[section] |= {"length": {"updates": 20}, "members": 2, "batch_size": 16}
    toy.write_params(checkout.folder, params)
    return checkout


class Run:
    """A `dvc repro` in a session of its own, and when its stages began."""

    def __init__(self, checkout, **settings):
        self.began = {}  # seconds from the start, by stage
        self.text = ""
        self._started = time.monotonic()
        self.process = subprocess.Popen(
            pipeline.dvc_command("repro"),
            cwd=checkout.folder,
            env=checkout.environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
            # As processes of a terminal have it; those of a script's background ignore it.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        self._reader = threading.Thread(target=self._read)
        self._reader.start()

    def _read(self):
        for line in self.process.stdout:
            if line.startswith("Running stage '"):
                self.began[line.split("'")[1]] = self.seconds()
            self.text += line
        self.began["over"] = self.seconds()
        self.process.stdout.close()

    def seconds(self):
        """Return how long it has run."""
        return time.monotonic() - self._started

    def alive(self):
        """Return all processes of the run."""
        return [each for each in psutil.process_iter() if self._is_alive(each)]

    def _is_alive(self, process):
        try:
            is_ours = os.getsid(process.pid) == self.process.pid
            return is_ours and process.status() != psutil.STATUS_ZOMBIE
        except (ProcessLookupError, psutil.NoSuchProcess):
            return False

    def wait_for_stage(self, names, longest=TIMEOUT_S):
        """Wait until one of these stages begins, or the run ends, at most so many seconds."""
        start = self.seconds()
        while self.process.poll() is None and not any(name in self.began for name in names):
            if self.seconds() > start + longest:
                return
            time.sleep(POLL_S)

    def wait_for(self, kind):
        """Return a process of that kind as soon as there is one, None if the run ends before."""
        while self.process.poll() is None and self.seconds() < TIMEOUT_S:
            for process in self.alive():
                if is_of_kind(process, kind):
                    return process
            time.sleep(POLL_S)
        return None

    def ends(self):
        """Wait until no process of the run lives; return its exit code."""
        code = self.process.wait(TIMEOUT_S)
        # A server of workers that is importing torch sees only then that it is alone.
        end = time.monotonic() + TIMEOUT_S
        while alive := self.alive():
            assert time.monotonic() < end, f"{alive} live on: {self.text}"
            time.sleep(POLL_S)
        self._reader.join()
        return code


def is_of_kind(process, kind):
    """Return whether a process is a stage, one of its workers, or DVC."""
    try:
        words = process.cmdline()
        if kind == "stage":
            return words[1:2] == ["-m"] and words[2].startswith("stages.")
        if kind == "worker":
            parent = process.parent()
            return is_forked(words) and parent is not None and is_forked(parent.cmdline())
    except psutil.NoSuchProcess:
        return False
    return words[1:] == pipeline.dvc_command("repro")[1:]


def is_forked(words):
    """Return whether this is the command line of the server of workers, which is theirs too."""
    return any("multiprocessing.forkserver" in word for word in words)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """A toy that ran to its end, and that run."""
    checkout = write_toy(tmp_path_factory.mktemp("undisturbed"))
    run = Run(checkout)
    assert run.ends() == 0, run.text
    return checkout, run


def moments(began):
    """Return what to kill and when, in the order of time: a stage and seconds from its beginning.

    Drawn over the undisturbed run, and for workers up to the end of the last training.
    """
    rng = np.random.default_rng(0)
    names = list(began)
    ends = {"worker": began["evaluate@resnet8_quarter-selected"]}
    drawn = []
    for kind in islice(cycle(KINDS), NUM_KILLS):
        moment = rng.uniform(began["prepare"], ends.get(kind, began["over"]))
        stage = max((name for name in names if began[name] <= moment), key=began.get)
        drawn.append((moment, kind, names.index(stage), moment - began[stage]))
    return [each[1:] for each in sorted(drawn)]


def outputs(checkout):
    """Return the bytes of all that stages wrote but seconds, and of dvc.lock."""
    found = {"dvc.lock": (checkout.folder / "dvc.lock").read_bytes()}
    for top in ("data", "metrics", "plots"):
        for path in (checkout.folder / top).rglob("*"):
            if path.is_file() and path.name != "timings.json":
                found[str(path.relative_to(checkout.folder))] = path.read_bytes()
    return found


def require_that_it_goes_on(checkout, kept, expected):
    """Require that `dvc repro` finishes, trains no finished member again and gives these bytes."""
    output = checkout.run(*pipeline.dvc_command("repro"))

    assert output.code == 0, output.text
    assert kept.items() <= checkout.members().items()
    found = outputs(checkout)
    assert found.keys() == expected.keys()
    assert [name for name in found if found[name] != expected[name]] == []


def test_after_kills_across_the_pipeline_nothing_is_lost(undisturbed, tmp_path):
    """One after the other: each run goes on where the kill before left it."""
    finished, first_run = undisturbed
    names = list(first_run.began)
    checkout = write_toy(tmp_path)
    kept = {}
    killed = []
    for kind, stage, seconds in moments(first_run.began):
        run = Run(checkout)
        run.wait_for_stage(names[stage:])
        run.wait_for_stage(names[stage + 1 :], longest=seconds)  # a faster machine is there sooner
        if victim := run.wait_for(kind):
            victim.kill()
            killed.append(kind)
        run.ends()
        if not run.began.keys() & set(names[:-1]):  # DVC itself was killed as it wrote
            subprocess.run(CLEAR, cwd=checkout.folder, check=True)
        assert kept.items() <= checkout.members().items()
        kept = checkout.members()

    assert set(killed) == set(KINDS), killed
    require_that_it_goes_on(checkout, kept, outputs(finished))


@pytest.fixture
def without_last_training(undisturbed, tmp_path):
    """A copy of the finished toy that has its last training before it."""
    checkout = undisturbed[0].copy(tmp_path)
    lock = checkout.folder / "dvc.lock"
    lock.write_text(lock.read_text().partition(f"  {TRAINING}:")[0])  # stages as they ran
    for folder in ("data/subset_models", "data/evaluation", "plots", ".dvc/cache/runs"):
        shutil.rmtree(checkout.folder / folder)
    shutil.rmtree(checkout.resume)
    return checkout


def test_ctrl_c_ends_everything_in_one_line(undisturbed, without_last_training):
    checkout = without_last_training
    run = Run(checkout)
    assert run.wait_for("worker"), run.text

    os.killpg(run.process.pid, signal.SIGINT)

    assert run.ends() != 0
    assert run.text.count("error: interrupted; ") == 1, run.text
    assert "Traceback" not in run.text
    assert list(checkout.folder.rglob(f".*{files.SUFFIX}")) == []
    require_that_it_goes_on(checkout, checkout.members(), outputs(undisturbed[0]))


def test_a_full_disk_is_one_line_also_of_a_worker(undisturbed, without_last_training, tmp_path):
    """The weights of a member are larger than the largest file that stages may write."""
    checkout = without_last_training
    limited = tmp_path / "bin/python"
    limited.parent.mkdir()
    limited.write_text(f'#!/bin/sh\nulimit -f 20\nexec {sys.executable} "$@"\n')
    limited.chmod(0o755)
    path = f"{limited.parent}{os.pathsep}{checkout.environment()['PATH']}"

    output = checkout.run(*pipeline.dvc_command("repro"), PATH=path)

    assert output.code != 0
    assert output.ran == [TRAINING]
    assert output.text.count("error: ") == 1, output.text
    assert "File too large; its disk" in output.text
    assert "Traceback" not in output.text
    assert list(checkout.folder.rglob(f".*{files.SUFFIX}")) == []
    require_that_it_goes_on(checkout, checkout.members(), outputs(undisturbed[0]))


def test_one_command_mends_what_dvc_was_killed_in_writing(undisturbed, tmp_path):
    checkout = undisturbed[0].copy(tmp_path)
    lock = checkout.folder / "dvc.lock"
    lock.write_bytes(lock.read_bytes()[:1000])
    (checkout.folder / ".dvc/tmp/rwlock").write_text('{"write": {')
    assert checkout.run(*pipeline.dvc_command("repro")).code != 0

    subprocess.run(CLEAR, cwd=checkout.folder, check=True)

    require_that_it_goes_on(checkout, checkout.members(), outputs(undisturbed[0]))
