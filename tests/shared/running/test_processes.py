"""Processes do calls in order, say what went wrong, and leave nobody waiting when one is killed."""

import errno
import os
import subprocess
import sys
import time
from functools import partial

import psutil
import pytest
import toy
from shared import called

from stages.shared.errors import ParamsError, TrainingError
from stages.shared.running import workers
from stages.shared.running.processes import Process, ProcessKilledError, first_done

TIMEOUT_S = 600


@pytest.fixture
def start():
    """Return what starts a process; all end with the test."""
    started = []

    def start(set_up=int, **others):
        started.append(Process([], set_up, **others))
        return started[-1]

    yield start
    for process in started:
        process.kill()


def test_calls_are_done_in_order_and_results_read_in_any(start):
    process = start()
    calls = [process.call(divmod, number, 3) for number in range(5)]
    assert [call.result() for call in reversed(calls)] == [divmod(n, 3) for n in range(4, -1, -1)]


def test_a_report_that_cannot_be_shown_stops_nothing(start):
    def refuse(message):
        raise BrokenPipeError

    assert start(on_report=refuse).call(called.report_twice, 7).result() == -7


def test_what_a_function_raises_is_raised_with_where_it_was(start):
    process = start()
    with pytest.raises(ZeroDivisionError) as caught:
        process.call(divmod, 1, 0).result()
    assert "in _answer" in "".join(caught.value.__notes__)
    with pytest.raises(RuntimeError, match="ValueError: <function"):
        process.call(called.raise_what_cannot_be_written).result()
    with pytest.raises(RuntimeError, match="OfTwoError: 1 and 2"):
        process.call(called.raise_what_cannot_be_read).result()
    with pytest.raises(ValueError, match="no number"):
        process.call(called.Unreadable).result()
    assert process.call(divmod, 7, 3).result() == (2, 1)


def test_neither_side_waits_for_the_other_with_long_calls_and_long_results(start):
    """Many times what a pipe holds, in both directions."""
    process = start()
    text = "x" * 100_000
    calls = [process.call(str.upper, text) for _ in range(50)]
    assert {call.result() for call in calls} == {text.upper()}


def test_the_first_that_is_done_is_told(start):
    slow, fast = start().call(time.sleep, TIMEOUT_S), start().call(abs, -3)
    assert first_done([slow, fast]) == [fast]


def test_whoever_waits_for_a_killed_process_is_told(start):
    process = start()
    call = process.call(called.kill_itself)
    with pytest.raises(ProcessKilledError):
        call.result()
    with pytest.raises(ProcessKilledError):
        process.call(abs, 1).result()


def test_whoever_starts_a_process_that_is_killed_meanwhile_is_told(start):
    with pytest.raises(ProcessKilledError):
        start(called.kill_itself).call(abs, 1).result()


def test_what_a_machine_lacks_is_not_taken_for_a_kill(start, monkeypatch):
    def refuse(self):
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr("multiprocessing.process.BaseProcess.start", refuse)
    with pytest.raises(OSError, match="Too many open files"):
        start()


def test_reports_arrive_before_the_result_and_a_process_ends_after_its_calls(start):
    heard = []
    process = start(on_report=heard.append)
    assert (process.call(called.report_twice, 7).result(), heard) == (-7, [7, 8])
    process.call(time.sleep, 0.1)
    process.call(called.report_twice, 1)
    process.end()
    assert heard == [7, 8, 1, 2]
    assert not psutil.pid_exists(process.id)


def test_a_path_that_is_too_long_for_sockets_is_named(monkeypatch, start):
    monkeypatch.setattr("tempfile.tempdir", f"/tmp/{'x' * 80}")
    with pytest.raises(ParamsError, match=r"TMPDIR: '/tmp/x+' has over 70 letters; name a folder"):
        start()


# --- pieces of work -------------------------------------------------------------------------------


@pytest.fixture
def map_pieces(monkeypatch):
    """Return what maps in two workers, and what they reported."""
    heard = []
    monkeypatch.setenv("SUBSET_WORKERS", "2")
    monkeypatch.setattr(workers, "PRELOAD", [])  # torch is of no use here
    run = partial(
        workers.map_pieces, threads_per_piece=1, on_report=lambda *each: heard.append(each)
    )
    return run, heard


def test_results_come_in_the_order_of_the_pieces(map_pieces):
    run, heard = map_pieces
    assert run(called.add_one, [5, 3, 8]) == [6, 4, 9]
    assert sorted(heard) == [(0, "adding to 5"), (1, "adding to 3"), (2, "adding to 8")]


def test_after_a_piece_that_fails_none_begins_and_those_under_way_end(
    map_pieces, tmp_path, monkeypatch
):
    run, heard = map_pieces
    noticed, end = tmp_path / "noticed", Process.end

    def notice_and_end(process):
        noticed.touch()
        end(process)

    monkeypatch.setattr(Process, "end", notice_and_end)
    with pytest.raises(TrainingError) as caught:
        run(called.fail_at_two, [(number, noticed) for number in (1, 2, 3, 4)])
    assert str(caught.value) == "two"
    assert heard == [(0, "kept")]


KILLED_AS_THE_NEXT_STARTS = """
import multiprocessing, os, signal, sys, time
from multiprocessing.process import BaseProcess
from stages.shared.running import workers

start, started = BaseProcess.start, []

def start_and_kill_the_one_before(self):
    start(self)
    for pid in started:
        os.kill(pid, signal.SIGKILL)
        time.sleep(0.2)
    started.append(self.pid)

BaseProcess.start = start_and_kill_the_one_before
workers.PRELOAD = []
workers.map_pieces(print, [1, 2], threads_per_piece=1, on_report=print)
"""


def test_a_worker_that_is_killed_as_the_next_starts_leaves_nobody_waiting():
    """The pool of `concurrent.futures` may then wait for the second for ever."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED_AS_THE_NEXT_STARTS],
        cwd=toy.ROOT,
        env={**os.environ, "SUBSET_WORKERS": "2"},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert "TrainingError: a worker process was killed (out of memory?)" in done.stderr
