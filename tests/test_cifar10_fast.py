"""benchmarks/cifar10_fast.py runs the pipeline without DVC, to the bytes that DVC's run gives."""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from zipfile import ZipFile

import pipeline
import psutil
import pytest
import toy
from dvc.parsing import DataResolver
from dvc.repo import Repo
from ruamel.yaml import YAML

from benchmarks import cifar10_fast, resolver, runner
from commands import preset

PRESETS = [path.stem for path in sorted((toy.ROOT / "presets").glob("*.yaml"))]


def load(path):
    return YAML(typ="safe", pure=True).load(path.read_text())


# --- dvc.yaml without DVC -------------------------------------------------------------------------


@pytest.mark.parametrize("name", PRESETS)
def test_stages_are_those_that_dvc_resolves(name, tmp_path):
    params = preset.resolved(name)
    content = load(toy.ROOT / "dvc.yaml")
    toy.write_params(tmp_path, params)
    repo = Repo(str(tmp_path), uninitialized=True)
    expected = DataResolver(repo, str(tmp_path), content).resolve()["stages"]

    assert resolver.resolve(content["stages"], params) == expected


def test_names_are_filled_in_by_hand():
    stages = {
        "train": {
            "matrix": {"round": "${rounds}", "flip": "${flips}"},
            "cmd": "run ${item.round.from} ${item.flip} ${key} ${rounds[-1].to}",
            "deps": ["${file}"],
        }
    }
    params = {"rounds": [{"from": 0.5, "to": 1.0}], "flips": [True, 3], "file": "a.csv"}

    assert resolver.resolve(stages, params) == {
        "train@round0-true": {"cmd": "run 0.5 true round0-true 1.0", "deps": ["a.csv"]},
        "train@round0-3": {"cmd": "run 0.5 3 round0-3 1.0", "deps": ["a.csv"]},
    }


# --- what runs and what does not ------------------------------------------------------------------

COPY = "python -m stages.copy"
TOY_DVC = {
    "stages": {
        # The last one stands first: what it reads decides when it runs.
        "last": {
            "cmd": f"{COPY} data/first.txt data/last.txt ${{word}}",
            "deps": ["data/first.txt"],
            "outs": [{"data/last.txt": {"cache": False}}],
        },
        "first": {
            "cmd": f"{COPY} lists/source.txt data/first.txt",
            "deps": ["lists/source.txt", "stages/copy.py"],
            "params": ["size.of"],
            "outs": ["data/first.txt"],
        },
        "other": {
            "cmd": f"{COPY} lists/source.txt data/other.txt",
            "deps": ["lists/source.txt"],
            "outs": ["data/other.txt"],
        },
    }
}
COPY_CODE = """import os, sys
from pathlib import Path
source, target, *words = sys.argv[1:]
if words == ["broken"]:
    raise SystemExit("error: the word is broken")
with open("ran.txt", "a") as ran:
    print(os.environ["DVC_STAGE"], file=ran)
if words != ["silent"]:
    Path(target).write_text(Path(source).read_text() + " ".join(words))
"""


@pytest.fixture
def work(tmp_path):
    """A folder with a dvc.yaml of three stages that note that they ran."""
    (tmp_path / "dvc.yaml").write_text(json.dumps(TOY_DVC))
    for folder in ("data", "lists", "stages"):
        (tmp_path / folder).mkdir()
    (tmp_path / "lists/source.txt").write_text("text")
    (tmp_path / "stages/copy.py").write_text(COPY_CODE)
    set_params(tmp_path)
    return tmp_path


def set_params(work, word="one", size=1):
    toy.write_params(work, {"word": word, "size": {"of": size, "not": size}})


def ran(work):
    """Run the stages and return the names of those that ran, in order."""
    (work / "ran.txt").write_text("")
    assert set(runner.run(work)) == {"first", "last", "other"}
    return (work / "ran.txt").read_text().split()


def test_stages_run_once_each_after_those_it_depends_on(work):
    found = ran(work)

    assert sorted(found) == ["first", "last", "other"]
    assert found.index("first") < found.index("last")
    assert (work / "data/last.txt").read_text() == "textone"
    assert ran(work) == []


def test_seconds_are_those_of_the_run_that_finished_a_stage(work):
    first = runner.run(work)

    assert runner.run(work) == first
    assert all(stage.seconds > 0 and stage.attempts == 1 for stage in first.values())
    lines = (work / "log.txt").read_text().splitlines()
    assert f"3 stages: {sum(stage.seconds for stage in first.values()):.1f} s" in lines[3]
    assert "finished before" in lines[4]


@pytest.fixture
def clock(monkeypatch):
    """A clock that goes on by the seconds that it is told."""
    now = [0.0]
    monkeypatch.setattr(runner.time, "perf_counter", lambda: now[0])
    return lambda seconds: now.__setitem__(0, now[0] + seconds)


def test_seconds_of_attempts_that_were_broken_off_count(work, clock, monkeypatch):
    """One is interrupted after 40 s; of one that is killed after 33 s the last note counts, 30."""
    run_to_the_end = runner._run

    def interrupted(work, stage, note):
        clock(40)
        raise KeyboardInterrupt

    def killed(work, stage, note):
        clock(30)
        note()
        monkeypatch.setattr(runner, "_save", lambda *_: None)
        clock(3)
        raise KeyboardInterrupt

    def finishing(work, stage, note):
        clock(7)
        run_to_the_end(work, stage, note)

    for run in (interrupted, killed):
        with monkeypatch.context() as patch:
            patch.setattr(runner, "_run", run)
            save = runner._save
            with pytest.raises(KeyboardInterrupt):
                runner.run(work)
            monkeypatch.setattr(runner, "_save", save)
    monkeypatch.setattr(runner, "_run", finishing)
    ran = runner.run(work)

    first = next(iter(ran.values()))
    assert (first.seconds, first.attempts) == (77.0, 3)
    assert [(other.seconds, other.attempts) for other in list(ran.values())[1:]] == [(7.0, 1)] * 2


def test_seconds_are_noted_while_a_stage_runs(work, monkeypatch):
    monkeypatch.setattr(runner, "NOTED_EVERY", 0.01)
    notes, save = [], runner._save
    monkeypatch.setattr(runner, "_save", lambda *each: notes.append(dict(each[1])) or save(*each))
    (work / "stages/copy.py").write_text(f"import time; time.sleep(0.2)\n{COPY_CODE}")

    runner.run(work)

    of_first = [note["first"] for note in notes if "first" in note and "last" not in note]
    seconds = [stage.seconds for stage in of_first if not stage.is_finished]
    assert seconds == sorted(seconds)
    assert seconds[-1] >= 0.1


def test_seconds_of_another_command_do_not_count(work):
    ran(work)
    set_params(work, word="two")

    assert runner.run(work)["last"].attempts == 1


def test_stages_that_found_the_members_of_others_have_not_all_seconds(tmp_path):
    found = {name: {"seconds": 1.0, "members_found": 2} for name in ("elsewhere", "resumed")}
    (tmp_path / "metrics").mkdir()
    (tmp_path / "metrics/timings.json").write_text(json.dumps({**found, "all": {"seconds": 1.0}}))
    ran = {"all": runner.Ran(""), "elsewhere": runner.Ran(""), "resumed": runner.Ran("", 5.0, 2)}

    assert runner.not_all_seconds(tmp_path, ran) == ["elsewhere"]
    assert runner.not_all_seconds(tmp_path / "empty", ran) == []
    assert cifar10_fast.notes({"all": 1, "elsewhere": 1, "resumed": 2}, ["elsewhere"]) == [
        "seconds of several attempts: resumed (2)",
        "not all seconds: members were found finished, not trained, in elsewhere",
    ]
    assert cifar10_fast.notes({"all": 1}, []) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        pytest.param(lambda work: set_params(work, word="two"), ["last"], id="command"),
        pytest.param(lambda work: set_params(work, size=2), ["first", "last"], id="parameter"),
        pytest.param(
            lambda work: (work / "stages/copy.py").write_text(f"{COPY_CODE}\n"),
            ["first", "last"],
            id="code",
        ),
        pytest.param(
            lambda work: (work / "data/first.txt").unlink(), ["first"], id="an output is gone"
        ),
    ],
)
def test_a_change_runs_what_depends_on_it_again(work, change, expected):
    ran(work)

    change(work)

    assert ran(work) == expected


def test_a_stage_that_fails_ends_the_run_in_one_line_and_is_run_again(work):
    set_params(work, word="broken")

    with pytest.raises(SystemExit) as raised:
        runner.run(work)

    assert str(raised.value).startswith("last ended with 1: error: the word is broken")
    set_params(work, word="two")
    assert "last" in ran(work)


def test_a_stage_that_was_broken_off_is_run_again_though_its_output_is_there(work):
    ran(work)
    (work / "data/last.txt").unlink()
    code = COPY_CODE + "\nPath(target).write_text('half')\nraise SystemExit(1)\n"
    (work / "stages/copy.py").write_text(code)
    with pytest.raises(SystemExit):
        runner.run(work)

    (work / "stages/copy.py").write_text(COPY_CODE)

    assert "last" in ran(work)
    assert (work / "data/last.txt").read_text() == "textone"


def test_an_interrupted_run_ends_its_stage(work):
    (work / "stages/copy.py").write_text(
        "import os, time; open('pid.txt', 'w').write(f'{os.getpid()}\\n'); time.sleep(60)"
    )
    code = (
        f"from pathlib import Path; from benchmarks import runner; runner.run(Path({str(work)!r}))"
    )
    running = subprocess.Popen(
        [sys.executable, "-c", code], cwd=toy.ROOT, stderr=subprocess.DEVNULL
    )
    pid = work / "pid.txt"
    while not (pid.exists() and pid.read_text().endswith("\n")):
        time.sleep(0.01)

    running.send_signal(signal.SIGINT)
    running.wait()

    assert not psutil.pid_exists(int(pid.read_text()))


def test_a_stage_that_writes_nothing_is_an_error_even_where_it_wrote_before(work):
    ran(work)
    set_params(work, word="silent")

    with pytest.raises(SystemExit, match=r"last has not written \['data/last.txt'\]"):
        runner.run(work)


# --- what is carried to the machine ---------------------------------------------------------------


def test_wheels_are_imported_here_and_by_what_is_started(tmp_path, monkeypatch):
    with ZipFile(tmp_path / "carried-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("carried/__init__.py", "word = 'from the wheel'")
    monkeypatch.setenv("PYTHONPATH", "elsewhere")
    monkeypatch.setattr(sys, "path", [*sys.path])

    cifar10_fast.add_wheels(tmp_path, tmp_path / "unpacked")

    import carried

    assert carried.word == "from the wheel"
    assert os.environ["PYTHONPATH"].split(os.pathsep) == [str(tmp_path / "unpacked"), "elsewhere"]


def test_a_folder_without_wheels_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="holds no wheels"):
        cifar10_fast.add_wheels(tmp_path, tmp_path / "unpacked")


def test_the_script_starts_without_what_the_wheels_bring():
    code = (
        "import sys, benchmarks.cifar10_fast; "
        "print({'dvc', 'numpy', 'pydantic', 'ruamel'} & set(sys.modules))"
    )

    output = subprocess.run(
        [sys.executable, "-c", code], cwd=toy.ROOT, check=True, capture_output=True, text=True
    )

    assert output.stdout.strip() == "set()"


@pytest.mark.parametrize("kind", ["folder", "archive"])
def test_the_data_is_a_folder_or_an_archive(tmp_path, kind):
    raw = tmp_path / "raw"
    (raw / "images").mkdir(parents=True)
    (raw / "images/a.txt").write_text("pixels")
    if kind == "archive":
        raw = tmp_path / "raw.tar.xz"
        with tarfile.open(raw, "w:xz") as archive:
            archive.add(tmp_path / "raw/images", "images")

    for _ in range(2):  # the second time it is there
        runner.lay_out(tmp_path / "work", "random_seed: 0\n", raw)

    assert (tmp_path / "work/data/raw/images/a.txt").read_text() == "pixels"
    assert (tmp_path / "work/params.yaml").read_text() == "random_seed: 0\n"


def test_other_data_than_the_folder_has_is_refused(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    work = tmp_path / "work"
    runner.lay_out(work, "", tmp_path / "one")

    with pytest.raises(SystemExit, match=r"data/raw: is from .*/one, not from .*/two; name anoth"):
        runner.lay_out(work, "", tmp_path / "two")


def test_links_that_lead_nowhere_are_made_anew(tmp_path):
    work, raw = tmp_path / "work", tmp_path / "raw"
    (work / "data").mkdir(parents=True)
    for name in ("stages", "data/raw"):
        (work / name).symlink_to(tmp_path / "gone")
    raw.mkdir()

    runner.lay_out(work, "", raw)

    assert (work / "stages").resolve() == toy.ROOT / "stages"
    assert (work / "data/raw").resolve() == raw


@pytest.mark.parametrize("content", [None, b"", b"no archive", "cut short"])
def test_what_is_no_archive_is_refused_in_one_line(tmp_path, content):
    raw = tmp_path / "raw.tar.xz"
    if content == "cut short":
        (tmp_path / "noise").write_bytes(os.urandom(100_000))
        with tarfile.open(raw, "w:xz") as archive:
            archive.add(tmp_path / "noise", "noise")
        content = raw.read_bytes()[:50_000]
    if content is not None:
        raw.write_bytes(content)

    with pytest.raises(SystemExit, match=r"raw.tar.xz: cannot be unpacked \(.*\); it must be a"):
        runner.lay_out(tmp_path / "work", "", raw)
    assert not (tmp_path / "work/data/raw").exists()


# --- the whole pipeline ---------------------------------------------------------------------------


def hashes(project):
    """Return a digest of every file that stages write and DVC tracks, by its path."""
    written = [path for name in ("data", "plots") for path in (project / name).rglob("*")]
    files = [path for path in written if path.is_file() and path.name != ".gitignore"]
    return {
        str(path.relative_to(project)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in [*files, project / "metrics/summary.json"]
    }


@pytest.mark.slow
def test_the_script_gives_the_bytes_of_dvc_repro(tmp_path, tmp_path_factory):
    checkout = pipeline.finished_checkout(tmp_path_factory)
    command = [sys.executable, "-m", "benchmarks.cifar10_fast", "params.yaml"]
    places = ["--work", str(tmp_path / "work"), "--out", str(tmp_path / "out.json")]

    output = subprocess.run(
        [*command, *places],
        cwd=checkout.folder,
        env=checkout.environment(SUBSET_RESUME=str(tmp_path / "other-resume")),
        check=True,
        capture_output=True,
        text=True,
    )

    assert hashes(tmp_path / "work") == hashes(checkout.folder)
    shown = json.loads((tmp_path / "out.json").read_text())
    summary = json.loads((checkout.folder / "metrics/summary.json").read_text())
    assert shown["cost"] == summary["cost"]
    assert f"| all | {sum(shown['stages'].values()):.1f} |" in output.stdout
    assert "| resnet8-selected | 324 |" in output.stdout
