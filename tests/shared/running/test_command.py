"""Tests for stages/shared/running/command.py and ending.py: how a stage ends before it is done.

The stage is `seed_subset`. Where its params.yaml is a pipe it waits there until somebody writes.
"""

import errno
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from toy import ROOT

from stages.shared.running import command, ending

STAGE = ["-m", "stages.seed_subset", "0.2", "prepared", "out/0.2"]
COMMAND = " ".join([sys.executable, *STAGE])
TIMEOUT_S = 600.0  # of what has gone wrong: all else ends by itself, on a busy machine later
# The stage, with as long to tidy up after Ctrl-C as a busy machine needs.
PATIENT = f"""
import runpy
from stages.shared.running import command, ending
ending.GRACE_S = {TIMEOUT_S}
runpy.run_module("stages.seed_subset", run_name="__main__", alter_sys=True)
"""


def environment(**settings):
    """The environment of a command, without what a run around these tests set."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("DVC_")}
    return {**own, "PYTHONPATH": str(ROOT), **settings}


def stage(*, most_bytes=None, **settings):
    """Run the stage to its end, where no file may have more bytes."""

    def limit():
        resource.setrlimit(resource.RLIMIT_FSIZE, (most_bytes, most_bytes))

    return subprocess.run(
        [sys.executable, *STAGE],
        env=environment(**settings),
        preexec_fn=limit if most_bytes else None,
        check=False,
        capture_output=True,
        text=True,
    )


def start(*command, **settings):
    """Start a command in a session of its own, with SIGINT as a terminal's processes have it."""
    return subprocess.Popen(
        command,
        env=environment(**settings),
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


def within(seconds, condition):
    """Return whether a condition comes true in time."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.01)
    return True


@pytest.fixture
def waiting(tmp_path, monkeypatch):
    """A working folder whose params.yaml is a pipe: a function that waits until it is read.

    It returns another, which lets the reader go on.
    """
    monkeypatch.chdir(tmp_path)
    os.mkfifo("params.yaml")
    opened = []

    def is_read():
        try:
            opened.append(os.open("params.yaml", os.O_WRONLY | os.O_NONBLOCK))
        except OSError:  # nobody reads it yet
            return False
        return True

    def let_go():
        while opened:
            os.close(opened.pop())

    def wait():
        assert within(TIMEOUT_S, is_read)
        return let_go

    yield wait
    let_go()


def stage_below(process):
    """Return the process of the stage that a process started."""
    (found,) = (
        child
        for child in psutil.Process(process.pid).children(recursive=True)
        if child.cmdline()[1:3] == STAGE[:2]
    )
    return found


def is_over(process):
    """Return whether a process has ended; where nobody waits for an orphan it stays a zombie."""
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize(
    "line",
    [
        f"DVC_STAGE=seed_subset {COMMAND}; true",
        f"DVC_STAGE=seed_subset sh -c '{COMMAND}; true'; true",
    ],
    ids=["that started it", "with a shell between"],
)
def test_a_stage_ends_soon_after_the_dvc_process_is_killed(line, waiting):
    Path("dvc").write_text(line)
    dvc = start("sh", "dvc")
    waiting()
    running = stage_below(dvc)

    dvc.kill()
    dvc.wait()

    assert within(TIMEOUT_S, lambda: is_over(running))
    dvc.stderr.close()


def test_a_stage_ends_whose_dvc_process_was_killed_before_it_could_look(waiting):
    Path("dvc").write_text(f"DVC_STAGE=seed_subset {COMMAND} & kill -9 $$")
    dvc = start("sh", "dvc")
    waiting()

    # What they print comes to its end when both have.
    assert dvc.communicate(timeout=TIMEOUT_S)[1] == ""


def test_a_stage_that_was_started_by_hand_outlives_who_started_it(waiting):
    Path("script").write_text(f"{COMMAND}; true")
    script = start("sh", "script")
    waiting()
    running = stage_below(script)

    script.kill()
    script.wait()

    time.sleep(3 * ending.INTERVAL_S)
    assert not is_over(running)
    running.kill()
    script.stderr.close()


@pytest.mark.parametrize("settings", [{}, {"DVC_STAGE": "seed_subset"}], ids=["hand", "DVC"])
def test_ctrl_c_ends_a_stage_in_one_line(settings, waiting):
    started = start(sys.executable, "-c", PATIENT, *STAGE[2:], **settings)
    let_go = waiting()

    started.send_signal(signal.SIGINT)
    let_go()  # a signal just before a system call does not interrupt it

    assert started.communicate(timeout=TIMEOUT_S)[1] == (
        "error: interrupted; what is finished is kept, and `dvc repro` goes on from there\n"
    )
    assert started.returncode == 130


def test_ctrl_c_ends_a_stage_that_is_still_importing_and_its_workers_in_silence():
    code = "import os, stages; os.kill(os.getpid(), 2); import this"

    started = start(sys.executable, "-c", code, DVC_STAGE="prepare")

    assert started.communicate(timeout=TIMEOUT_S)[1] == ""
    assert started.returncode == -signal.SIGINT


INTERRUPTED = f"""
import multiprocessing, os, signal, time
from stages.shared.running import ending
ending.GRACE_S = {TIMEOUT_S}
worker = multiprocessing.get_context("forkserver").Process(target=time.sleep, args=({TIMEOUT_S},))
worker.start()
try:
    with ending.on_interrupt():
        os.kill(os.getpid(), signal.SIGINT)
except KeyboardInterrupt:
    worker.join()
    assert worker.exitcode != 0
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
else:
    raise AssertionError("it goes on")
"""


def test_ctrl_c_ends_the_workers_of_a_process_too():
    started = start(sys.executable, "-c", INTERRUPTED)

    assert started.communicate(timeout=TIMEOUT_S)[1] == ""
    assert started.returncode == 0


# What a killed run leaves.
LEFT = Path("out/.0.2.abcdefgh.unfinished")


@pytest.mark.usefixtures("project")
def test_what_a_killed_run_left_is_removed_where_dvc_lets_one_alone_write():
    LEFT.parent.mkdir()
    LEFT.touch()

    assert stage(DVC_STAGE="seed_subset").returncode == 0
    assert not LEFT.exists()


@pytest.mark.usefixtures("project")
def test_a_file_that_may_not_grow_is_one_line_and_what_lay_there_stays():
    path = Path("out/0.2/seed-0.csv")
    path.parent.mkdir(parents=True)
    path.write_text("of an earlier run")
    LEFT.touch()  # maybe by a run beside this one, which DVC did not start

    done = stage(most_bytes=50)
    assert done.returncode == 1
    assert done.stderr == (
        "error: out/0.2/seed-0.csv: File too large; its disk and `ulimit -f` must allow larger "
        "files. Then run `dvc repro` again\n"
    )
    assert path.read_text() == "of an earlier run"
    assert set(Path("out").iterdir()) == {Path("out/0.2"), LEFT}


# In a mount namespace of its own a user may mount a small disk.
MOUNTED = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c"]


@pytest.mark.usefixtures("project")
def test_a_disk_that_takes_no_more_is_one_line():
    if not shutil.which("unshare") or subprocess.run([*MOUNTED, "true"], check=False).returncode:
        pytest.skip("mounting needs user namespaces here")
    Path("out").mkdir()
    fill = "head -c 100000 /dev/zero > out/full 2>/dev/null"
    script = f"mount -t tmpfs -o size=16k none out && {{ {fill}; {COMMAND}; }}"
    done = subprocess.run(
        [*MOUNTED, script], env=environment(), check=False, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert done.stderr == (
        "error: out/0.2/seed-0.csv: No space left on device; free some space. "
        "Then run `dvc repro` again\n"
    )


def test_a_repository_of_another_user_is_one_line(capsys):
    text = "/a/.git/: repository path '/a' is not owned by current user"
    with pytest.raises(SystemExit), command.errors_in_one_line():
        raise RuntimeError(text)
    said = capsys.readouterr().err
    assert said == f'error: {text}; `git config --global --add safe.directory "$PWD"` trusts it\n'


@pytest.mark.parametrize(
    ("name", "arguments"),
    [("Conv2d", (1, 1, 3)), ("MaxPool2d", (3,)), ("Unfold", (3,)), ("BatchNorm2d", (1,))],
)
def test_images_that_are_too_small_for_a_network_are_one_line(name, arguments, capsys):
    """The words are torch's own: another version may have others."""
    import torch

    with pytest.raises(SystemExit), command.errors_in_one_line():
        getattr(torch.nn, name)(*arguments)(torch.zeros(1, 1, 1, 1))
    said = capsys.readouterr().err
    assert "; images (dataset.image_size), or batches, are too small for this network" in said
    assert said.count("\n") == 1


def test_debugging_shows_where_an_error_was_met(monkeypatch):
    monkeypatch.setenv("SUBSET_DEBUG", "1")
    with pytest.raises(OSError, match="File too large"), command.errors_in_one_line():
        raise OSError(errno.EFBIG, os.strerror(errno.EFBIG), "out/.0.2.abcdefgh.unfinished")
