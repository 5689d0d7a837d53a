"""Data, weights and archives of others are read and never run."""

import ast
import csv
import io
import pickle
import tarfile
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import toy
from bad_input.artifact_cases import Planted
from bad_input.data_cases import write_params
from dvc_render.html import HTML
from dvc_render.vega import VegaRenderer

from stages.report.numbers import tables
from stages.report.pictures.figures import written
from stages.report.pictures.tiles import Tile, tiled
from stages.report.run.labels import Labels
from stages.shared.errors import UserError

SOURCES = sorted((toy.ROOT / "stages").rglob("*.py"))
NEVER_IMPORTED = {"dill", "joblib", "marshal", "pickle", "shelve"}
NEVER_CALLED = {
    "__import__", "compile", "eval", "exec", "np.load", "numpy.load", "os.popen", "os.system",
    "yaml.full_load", "yaml.load", "yaml.load_all", "yaml.unsafe_load",
}  # fmt: skip
UNPACKING = {"extract", "extractall", "extract_archive", "unpack_archive"}
FROM_TORCH = {"get_state_dict", "load_state_dict_from_url"}


def calls(source: Path) -> Iterator[tuple[str, ast.Call]]:
    """Yield every call of a file with the text of what is called."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Call):
            yield ast.unparse(node.func), node


def imported(source: Path) -> Iterator[str]:
    """Yield the names of the modules that a file imports."""
    for node in ast.walk(ast.parse(source.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module or ""


def keywords(call: ast.Call) -> dict[str | None, str]:
    return {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}


def wrong_calls(source: Path) -> Iterator[str]:
    """Yield the calls that would run what a file holds."""
    for name, call in calls(source):
        method = name.rpartition(".")[2]
        given = keywords(call)
        is_torch = name == "torch.load" or method in FROM_TORCH
        if (
            name in NEVER_CALLED
            or method in UNPACKING
            or given.get("allow_pickle", "False") != "False"
            or given.get("shell", "False") != "False"
            or (method == "YAML" and given.get("typ") not in (None, "'safe'"))
            or (is_torch and given.get("weights_only") != "True")
        ):
            yield f"{source.name}:{call.lineno}: {name}"


def test_no_stage_can_read_a_pickle_or_run_what_a_file_holds():
    modules = {name.partition(".")[0] for source in SOURCES for name in imported(source)}
    assert "numpy" in modules
    assert not modules & NEVER_IMPORTED
    assert not [wrong for source in SOURCES for wrong in wrong_calls(source)]


@pytest.mark.parametrize(
    "code",
    [
        "np.load(path, allow_pickle=True)",
        "np.load(path)",
        "torch.load(path)",
        "torch.load(path, weights_only=False)",
        "eval(text)",
        "exec(text)",
        "YAML(typ='unsafe')",
        "archive.extractall(folder)",
        "subprocess.run(line, shell=True)",
    ],
)
def test_the_search_finds_what_it_looks_for(tmp_path, code):
    (tmp_path / "code.py").write_text(code)
    assert list(wrong_calls(tmp_path / "code.py"))


# --- data sets of torchvision ---------------------------------------------------------------------


@pytest.fixture
def refused(monkeypatch, tmp_path, line_of):
    """Prepare a data set that lies in `raw`, without a network; return what is said of it."""

    def refuse(*_, **__):
        raise OSError("no network")

    def prepare(name):
        write_params("default", name=name, root="raw")
        return line_of("prepare", "data/prepared", "data/ensembles/scratch")

    monkeypatch.setattr("urllib.request.urlopen", refuse)
    monkeypatch.chdir(tmp_path)
    return prepare


def test_a_pickle_among_cifars_batches_is_not_loaded(refused):
    """torchvision unpickles files whose checksums are those it brings along, and no other."""
    from torchvision.datasets import CIFAR10  # here: it takes seconds

    for name, _ in (*CIFAR10.train_list, *CIFAR10.test_list, (CIFAR10.meta["filename"], "")):
        path = Path("raw/cifar-10-batches-py", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(Planted()))
    assert refused("cifar10").startswith("raw: CIFAR10 is not there whole")
    assert not Path("planted").exists()


def test_an_archive_with_another_checksum_is_not_unpacked(refused):
    write_archive("raw/cifar-10-python.tar.gz", "cifar-10-batches-py/data_batch_1")
    assert refused("cifar10").startswith("raw: CIFAR10 is not there whole")
    assert [path.name for path in Path("raw").iterdir()] == ["cifar-10-python.tar.gz"]


def test_what_older_versions_of_torchvision_left_is_read_without_pickle(refused):
    for name in ("training.pt", "test.pt"):
        path = Path("raw/MNIST/processed", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pickle.dumps(Planted()))
    assert refused("mnist").startswith("raw: MNIST is not there whole")
    assert not Path("planted").exists()


def write_archive(path: str, *names: str, target: str | None = None) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    with tarfile.open(path, "w:gz") as archive:
        for name in names:
            member = tarfile.TarInfo(name)
            member.size = 0 if target else 5
            if target:
                member.type, member.linkname = tarfile.SYMTYPE, target
            archive.addfile(member, io.BytesIO(b"owned"))


@pytest.mark.parametrize(
    ("name", "target"), [("../outside", None), ("/tmp/outside", None), ("inside", "../outside")]
)
def test_no_member_of_an_archive_leaves_its_folder(tmp_path, monkeypatch, name, target):
    """Nothing but torchvision unpacks here: this holds it to its filter."""
    from torchvision.datasets.utils import extract_archive

    monkeypatch.chdir(tmp_path)
    write_archive("raw/data.tar.gz", name, target=target)
    try:
        extract_archive("raw/data.tar.gz", "raw/unpacked")
    except tarfile.FilterError:
        pass
    else:
        assert name.startswith("/")  # the leading slash is taken off
    assert not Path("raw/outside").exists()
    assert not Path("/tmp/outside").exists()
    assert not Path("raw/unpacked/inside").is_symlink()


# --- names ----------------------------------------------------------------------------------------


SCRIPT = "</script><script>alert(1)</script>"


def test_no_class_name_becomes_a_part_of_dvcs_page(tmp_path):
    """DVC puts the tables as JSON between <script> and </script>, and escapes nothing."""
    targets_N, names = np.array([0, 1, 1]), ["cat", SCRIPT]
    results = SimpleNamespace(
        targets_N=targets_N,
        is_excluded_N=np.zeros(len(targets_N), dtype=np.bool_),
        last_subset=toy.picks([1]),
        comparison={},
        labels=Labels(names, targets_N, None),
        meta=SimpleNamespace(class_names=names),
    )
    tables.save_tables(tmp_path, {"class_shares": tables.class_shares([results])})
    with (tmp_path / "class_shares.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["selected"] for row in rows] == ["0.0", "100.0"]
    renderer = VegaRenderer(rows, "class_shares", template="linear", x="class", y="selected")
    page = HTML().with_element(renderer.generate_html()).embed()
    assert "alert(1)" in page
    assert SCRIPT not in page
    assert page.count("</script>") == page.count("<script")


def test_dollars_in_a_name_begin_no_formula():
    """matplotlib would refuse this one."""
    picture_HW3 = np.zeros((8, 8, 3), dtype=np.uint8)
    figure = tiled({"$a_{$": [Tile(picture_HW3, "$b^{$")]}, "title")
    assert written(figure, "png").startswith(b"\x89PNG")


def test_an_error_is_one_printable_line_whatever_it_quotes():
    hostile = "a\nb\r\x1b[2J\x00\u202e\udcff\x85\u2028ü 中"
    line = str(UserError(hostile))
    assert line == r"a\nb\r\x1b[2J\x00\u202e\udcff\x85\u2028ü 中"
    assert len(line.splitlines()) == 1
    assert not any(unicodedata.category(letter)[0] == "C" for letter in line)
