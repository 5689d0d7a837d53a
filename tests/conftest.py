"""What every test may use."""

import contextlib
import gc
import json
import os
import shutil
from functools import lru_cache, partial
from multiprocessing.forkserver import ForkServer
from pathlib import Path

import jinja2
import pytest
import toy
from hypothesis import HealthCheck, settings
from spread import pytest_collection_modifyitems, pytest_xdist_make_scheduler  # noqa: F401
from toy_project import ToyProject

from stages.shared.settings import params

# Thousands of small folders are made and removed: where there is a disk of memory with room for
# all of them, removing one waits for no journal.
IN_MEMORY = Path("/dev/shm")
if IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free > 4e9:
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(IN_MEMORY))


def pytest_collection_finish():
    """Keep what was imported out of the search for garbage: it never is any."""
    gc.freeze()


# An example may take as long as a busy machine needs for it.
settings.register_profile(
    "unhurried", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("unhurried")


@pytest.fixture(scope="session")
def prepared(tmp_path_factory):
    """A prepared toy data set of 60 + 20 + 20 images in three classes."""
    folder = tmp_path_factory.mktemp("prepared")
    toy.write_prepared(folder)
    return folder


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A toy project in an empty folder, which is the working folder of the test."""
    monkeypatch.chdir(tmp_path)
    return ToyProject()


@pytest.fixture(scope="session", autouse=True)
def on_one_core():
    """More gain nothing on images this small, change no bit, and are the other processes'."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUBSET_CORES", "1")
        yield


@pytest.fixture(scope="session", autouse=True)
def no_waiting_for_the_disk():
    """No power fails while tests run, and what they write is read in the same moment."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda descriptor: None)
        yield


@pytest.fixture(scope="session", autouse=True)
def params_in_json():
    """YAML 1.2 includes JSON, which tests write, and of which Python's own parser is quicker."""
    parsed = params._parsed

    @lru_cache(maxsize=100)
    def quickly(text):
        with contextlib.suppress(ValueError):
            return json.loads(text)
        return parsed(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(params, "_parsed", quickly)
        yield


class Compiled(jinja2.BytecodeCache):
    """Templates, compiled once for all pages of a session."""

    def __init__(self):
        self.code = {}

    def load_bytecode(self, bucket):
        if bucket.key in self.code:
            bucket.bytecode_from_string(self.code[bucket.key])

    def dump_bytecode(self, bucket):
        self.code[bucket.key] = bucket.bytecode_to_string()


@pytest.fixture(scope="session", autouse=True)
def templates_compiled_once():
    with pytest.MonkeyPatch.context() as patch:
        environment = partial(jinja2.Environment, bytecode_cache=Compiled())
        patch.setattr(jinja2, "Environment", environment)
        yield


@pytest.fixture(scope="session", autouse=True)
def one_server_of_workers():
    """Whoever starts it first, and where: without torch in it each worker would import torch."""
    start, preload = ForkServer.ensure_running, ForkServer.set_forkserver_preload

    def ensure_running(server):
        preload(server, ["stages.shared.training.loop"])
        with contextlib.chdir(toy.ROOT):
            start(server)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ForkServer, "ensure_running", ensure_running)
        yield


@pytest.fixture(scope="module")
def on_cpu():
    """Use no GPU where there is one."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SUBSET_DEVICE", "cpu")
        yield


@pytest.fixture
def in_shards(monkeypatch):
    """Predict as on a cluster, in shards of so many samples; returns the list of those that ran."""
    from stages.shared.running import dispatch, engine  # here: not every test needs it

    def begin(num_samples):
        ran = []

        def stream(function, shared, pieces):
            for piece in pieces:
                ran.append(piece)
                yield from function(shared, piece)

        monkeypatch.setattr("stages.predict_pool.shards.SHARD_SAMPLES", num_samples)
        monkeypatch.setattr(engine, "on_cluster", lambda: True)
        monkeypatch.setattr(dispatch, "stream", stream)
        return ran

    return begin
