"""Where a piece of work runs on a Ray cluster: as the stage runs, or it would make other bytes."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from tempfile import NamedTemporaryFile

from stages.shared.errors import ParamsError, UserError
from stages.shared.running import engine, resume_folder


@dataclass(frozen=True)
class Place:
    """What a piece must find where it runs."""

    settings: dict[str, str]
    root: str
    torch: str
    finished: frozenset[str]  # names in the resume folder of the stage's node
    marker: Path  # a file in that folder: who sees it shares the folder

    @classmethod
    @contextmanager
    def like_here(cls, needs: dict[str, float]) -> Iterator["Place"]:
        """Yield what pieces with these needs find here, where the stage runs."""
        cores = str(max(1, int(needs["num_cpus"])))
        settings = {"SUBSET_LOADERS": cores, **engine.settings(), "SUBSET_CORES": cores}
        here = resume_folder.folder().absolute()
        here.mkdir(parents=True, exist_ok=True)
        with NamedTemporaryFile(dir=here, prefix=resume_folder.MARKER) as marker:
            yield cls(
                {**settings, "SUBSET_RESUME": str(here)},
                str(Path.cwd()),
                version("torch"),
                resume_folder.finished(here),
                Path(marker.name),
            )

    def take(self) -> None:
        """Make this process such a place."""
        found = version("torch")
        if found != self.torch:
            raise ParamsError(
                f"node {_node_name()} has torch {found}; every node must have {self.torch}, as the "
                "one where the pipeline runs"
            )
        if not Path(self.root).is_dir():
            raise ParamsError(
                f"node {_node_name()} has no folder {self.root}; the repository must lie on a file "
                "system that all nodes share"
            )
        os.chdir(self.root)
        os.environ.update(self.settings)
        resume_folder.known_elsewhere = self.finished
        engine.keep_freed_memory()


@contextmanager
def named_node() -> Iterator[None]:
    """Say on which node something of the user's was wrong."""
    try:
        yield
    except UserError as error:
        raise type(error)(f"{error} (on node {_node_name()})") from None


def _node_name() -> str:
    return os.uname().nodename
