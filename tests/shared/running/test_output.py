"""What stages and commands print reaches any terminal, and what the machine lacks is one line."""

import errno
import getpass
import io
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from toy import ROOT

from stages.shared.errors import DataError
from stages.shared.running.command import errors_in_one_line
from stages.shared.samples import decoding_ahead

WORDS = "a → é 日本 😀 \udcff"
COMMANDS = sorted(
    {
        path.stem
        for path in (ROOT / "commands").glob("[!_]*.py")
        if '__name__ == "__main__"' in path.read_text()  # others are what commands share
    }
    | {path.parent.name for path in (ROOT / "commands").glob("*/__main__.py")}
)


def printed(monkeypatch, encoding, errors="strict"):
    """Print these words to a terminal of an encoding."""
    files = [io.BytesIO(), io.BytesIO()]
    for name, file in zip(("stdout", "stderr"), files, strict=True):
        monkeypatch.setattr(sys, name, io.TextIOWrapper(file, encoding=encoding, errors=errors))
    with errors_in_one_line():
        sys.stdout.write(WORDS)
    with pytest.raises(SystemExit), errors_in_one_line():
        raise DataError(WORDS)
    sys.stdout.flush()
    sys.stderr.flush()
    return [file.getvalue().decode(encoding) for file in files]


@pytest.mark.parametrize(
    ("encoding", "expected"),
    [
        ("ascii", r"a \u2192 \xe9 \u65e5\u672c \U0001f600 \udcff"),
        ("cp1252", r"a \u2192 é \u65e5\u672c \U0001f600 \udcff"),
        ("latin-1", r"a \u2192 é \u65e5\u672c \U0001f600 \udcff"),
        ("gbk", "a → é 日本 \\U0001f600 \\udcff"),
        ("utf-8", "a → é 日本 😀 \\udcff"),
    ],
)
def test_what_a_terminal_has_no_letter_for_is_escaped(monkeypatch, encoding, expected):
    assert printed(monkeypatch, encoding) == [expected, f"error: {expected}\n"]


def test_without_any_output_there_is_nothing_to_write_to(monkeypatch):
    for name in ("stdout", "stderr"):
        monkeypatch.setattr(sys, name, None)
    with errors_in_one_line():
        sys.stdout.write(WORDS)
    with pytest.raises(SystemExit), errors_in_one_line():
        raise DataError(WORDS)
    sys.stdout.close()
    sys.stderr.close()


def test_whoever_reads_the_output_may_have_had_enough(capfd, monkeypatch):
    """As `head` does: nothing is said, and the code is that of a program which SIGPIPE ends."""
    reader, writer = os.pipe()
    os.close(reader)
    monkeypatch.setattr(sys, "stdout", os.fdopen(writer, "w", encoding="utf-8"))
    with pytest.raises(SystemExit) as ended, errors_in_one_line():
        sys.stdout.write("line\n")
    assert ended.value.code == 128 + signal.SIGPIPE
    assert capfd.readouterr().err == ""
    sys.stdout.close()


@pytest.mark.parametrize("stdout", [sys.__stdout__, io.StringIO()], ids=["file", "no file"])
def test_a_process_that_reads_no_further_is_an_error(capfd, monkeypatch, stdout):
    monkeypatch.setattr(sys, "stdout", stdout)
    with pytest.raises(SystemExit) as ended, errors_in_one_line():
        raise BrokenPipeError
    assert ended.value.code == 1
    assert capfd.readouterr().err == "error: what is sent to a process is read no further\n"


# Forked from a process that has imported what takes long.
HELP = """
import os, runpy, sys
import stages.shared.artifacts, stages.shared.settings.params
for command in sys.argv[1:]:
    if os.fork() == 0:
        sys.argv = [command, "--help"]
        runpy.run_module(f"commands.{command}", run_name="__main__")
    assert os.wait()[1] == 0, command
"""


@pytest.mark.slow
def test_the_help_of_every_command_can_be_read_in_ascii(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", HELP, *COMMANDS],
        env={**os.environ, "PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.count(b"usage: ") == len(COMMANDS) > 5
    assert done.stdout.isascii()


# --- users ----------------------------------------------------------------------------------------


def test_a_user_without_a_name_has_a_number(monkeypatch):
    """As in `docker run --user 12345`; DVC asks for a name."""

    def unknown(number):
        raise KeyError(f"getpwuid(): uid not found: {number}")

    monkeypatch.setattr("pwd.getpwuid", unknown)
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.delenv(name, raising=False)
    with errors_in_one_line():
        assert getpass.getuser() == str(os.getuid())


def test_a_user_with_a_name_keeps_it(monkeypatch):
    monkeypatch.setenv("LOGNAME", "ada")
    with errors_in_one_line():
        assert getpass.getuser() == "ada"


# --- what the machine lacks -----------------------------------------------------------------------


def line_of(error, capsys):
    with pytest.raises(SystemExit) as ended, errors_in_one_line():
        raise error
    assert ended.value.code == 1
    line = capsys.readouterr().err
    assert line.startswith("error: ")
    assert line.count("\n") == 1
    return line


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (OSError(errno.EMFILE, "Too many open files"), "the system: Too many open files; "),
        (OSError(errno.EAGAIN, "Resource temporarily unavailable"), "`ulimit -u`"),
        (OSError(errno.ENOMEM, "Cannot allocate memory"), "free some memory"),
        (OSError(errno.ENOSPC, "No space left on device", "data/x"), "data/x: No space left"),
        (OSError(errno.EROFS, "Read-only file system", "plots/x"), "it must be writable"),
        (MemoryError(), "memory is full; lower SUBSET_WORKERS"),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), "memory is full"),
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), "memory is full"),
        (RuntimeError("can't start new thread"), "let more processes run"),
    ],
)
def test_a_limit_of_the_machine_is_one_line(error, words, capsys):
    assert words in line_of(error, capsys)


def test_a_mistake_of_ours_keeps_its_traceback():
    with pytest.raises(RuntimeError, match="shapes"), errors_in_one_line():
        raise RuntimeError("shapes do not match")


def test_without_a_place_for_temporary_files_there_is_one_line(monkeypatch, capsys, tmp_path):
    def refuse(*_, **__):
        raise PermissionError(errno.EACCES, "no")

    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_get_candidate_names", lambda: iter(["x"]))
    monkeypatch.setattr(tempfile._os, "open", refuse)
    with pytest.raises(SystemExit), errors_in_one_line():
        tempfile.gettempdir()
    assert "TMPDIR must name a folder to write into" in capsys.readouterr().err


# --- what processes share -------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform != "linux", reason="of /proc")
def test_what_is_decoded_ahead_does_not_lie_in_shm():
    """Of which a container has 64 MB: a process that writes beyond them dies."""
    before = {file.path for file in psutil.Process().open_files()}
    memory = decoding_ahead._shared_memory(1 << 20)
    memory.buffer[:3] = b"abc"
    place = str(Path(f"/proc/self/fd/{memory.fd}").readlink())
    assert place.startswith("/memfd:")
    assert {file.path for file in psutil.Process().open_files()} <= before | {place}


def test_where_there_is_no_such_memory_a_file_serves(monkeypatch):
    def refuse(name):
        raise OSError(errno.ENOSYS, "Function not implemented")

    monkeypatch.setattr(os, "memfd_create", refuse, raising=False)
    memory = decoding_ahead._shared_memory(1 << 12)
    memory.buffer[:3] = b"abc"
    assert memory.buffer[:3] == b"abc"
