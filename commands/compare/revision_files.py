"""The files of a revision: a git revision, the name of a DVC experiment, or `workspace`.

They are read through DVC, which finds them in its cache or on its remote; nothing is checked out.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from stages.shared.errors import ArtifactError, DataError, ParamsError
from stages.shared.settings.task_limits import Rules, rules_of

WORKSPACE = "workspace"  # DVC's own name for the files as they lie here
TASK = "image_classification"  # of a params.yaml that is older than the key
Content = TypeVar("Content")


@dataclass(frozen=True)
class Settings:
    """What is read of a revision's params.yaml."""

    dataset: str
    sizes: list[tuple[str, str]]  # `from` and `to` of each round, as in paths
    orders_all: bool  # whether orders hold all candidates
    num_random: int  # with how many random picks a shrinking round starts
    content: Mapping[str, Any]  # the whole of it

    def at(self, key: str, missing: Any) -> Any:
        """Return the value at a dotted key, or what stands for one that is missing."""
        value: Any = self.content
        for part in key.split("."):
            value = value.get(part, missing) if isinstance(value, dict) else missing
        return value


def load_settings(path: Path) -> Settings:
    """Return what a revision was run with.

    A revision may be older than the keys of today or newer: only what is needed is looked at.

    Raises:
        ParamsError: these keys are missing.
    """
    try:
        content = YAML(typ="safe").load(path.read_text(encoding="utf-8"))
        sizes = [(str(entry["from"]), str(entry["to"])) for entry in content["rounds"]]
        dataset = str(content["dataset"]["name"])
        select = content.get("select")
    except (KeyError, TypeError, UnicodeDecodeError, YAMLError):
        content, dataset, sizes, select = {}, "", [], None
    if not sizes:
        raise ParamsError(
            f"{path}: names no data set and rounds; it must have dataset.name, and rounds with "
            "from and to"
        )
    select = select if isinstance(select, dict) else {}
    starts = select.get("k_centers_start", 0) if select.get("rule") == "k_centers" else 0
    return Settings(dataset, sizes, select.get("order") == "all", starts, content)


class MissingError(DataError):
    """Files of one revision that are neither here nor on the remote."""

    def __init__(self, name: str, paths: Sequence[str], reason: str) -> None:
        self.name, self.paths, self.reason = name, paths, reason
        more = f" and {len(paths) - 1} more" if len(paths) > 1 else ""
        fetch = "`dvc fetch --all-commits` fetches what was pushed"
        if name == WORKSPACE:
            fetch = "`dvc pull` fetches what was pushed"
        elif re.fullmatch(r"[\w-]+", name):  # may be one
            fetch += f", `dvc exp pull origin {name}` an experiment"
        super().__init__(
            f"{name}:{paths[0]}{more}: cannot be read ({reason}); a finished run must be here: "
            f"{fetch}; otherwise run it again"
        )


class Files:
    """The files of one revision, by their paths in the project."""

    def __init__(self, name: str, folder: Path, source: Any, seed: int | None = None) -> None:
        self.name = name
        self._seed = seed
        self._folder = folder  # where they are laid as they are asked for
        self._source = source  # DVC's view of the revision
        self._laid: set[str] = set()

    def read(self, load: Callable[[Path], Content], *paths: str) -> Content:
        """Return what `load` makes of a folder in which these files and folders lie.

        Raises:
            MissingError: one is neither here nor on the remote.
            ArtifactError: one holds something else than its stage writes; ParamsError likewise.
        """
        for path in paths:
            self._lay(path)
        try:
            return load(self._folder)
        except (ArtifactError, ParamsError) as error:
            # The loaders speak of the copies; this is git's notation for what they are copies of.
            raise type(error)(str(error).replace(f"{self._folder}/", f"{self.name}:")) from None

    @cached_property
    def settings(self) -> Settings:
        """What the revision was run with."""
        return self.read(lambda root: load_settings(root / "params.yaml"), "params.yaml")

    @property
    def draws(self) -> "list[Files]":
        """The same files, to look at each draw of the run in turn."""
        first, count = self.settings.at("random_seed", 0), self.settings.at("random_seeds", 1)
        return [
            Files(self.name, self._folder, self._source, seed)
            for seed in range(first, first + count)
        ]

    @property
    def draw(self) -> str:
        """The draw that is looked at, as in paths: the first, or that of the seed asked for."""
        seed = self.settings.at("random_seed", 0) if self._seed is None else self._seed
        return f"seed-{seed}"

    @property
    def rules(self) -> Rules:
        """What the revision's task allows.

        Raises:
            ParamsError: there is no such task here.
        """
        try:
            return rules_of(self.settings.at("task", TASK))
        except ParamsError as error:
            raise ParamsError(f"{self.name}:params.yaml: {error}") from None

    def _lay(self, path: str) -> None:
        if path in self._laid:
            return
        try:
            if self._source.isdir(f"/{path}"):
                for name in self._source.find(f"/{path}"):
                    self._link_or_copy(name.lstrip("/"))
            else:
                self._link_or_copy(path)
        except Exception as error:  # each kind of remote raises its own
            raise MissingError(self.name, [path], _line(error)) from error
        self._laid.add(path)

    def _link_or_copy(self, path: str) -> None:
        """Lay a file where loaders find it; what lies on this disk, and may be large, as a link."""
        target = self._folder / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        here = self._here(path)
        if here is not None and here.is_file():
            target.symlink_to(here)
        else:
            self._source.get_file(f"/{path}", str(target))

    def _here(self, path: str) -> Path | None:
        """Return where on this disk a file lies that is in DVC's cache or in the workspace."""
        digest = self._source.info(f"/{path}").get("md5")  # of what lies in the cache alone
        if digest:
            return Path(self._source.repo.cache.local.oid_to_path(digest))
        return Path(self._source.repo.root_dir) / path if self.name == WORKSPACE else None


@contextmanager
def opened(name: str, seed: int | None = None) -> Iterator[Files]:
    """Open a git revision, an experiment, or the workspace, to look at the draw of a random seed.

    Raises:
        DataError: there is no such revision.
    """
    # Imported here: it takes a second, and --help does without.
    from dvc.api import DVCFileSystem  # type: ignore[import-untyped] # it ships no types
    from dvc.exceptions import DvcException  # type: ignore[import-untyped] # nor here
    from dvc.repo import Repo  # type: ignore[import-untyped] # nor here

    with ExitStack() as stack:
        try:
            repo = stack.enter_context(Repo() if name == WORKSPACE else _at_revision(name))
        except DvcException as error:
            raise DataError(
                f"{name}: {_line(error)}; it must be a git revision, the name of an experiment, "
                f"or {WORKSPACE}"
            ) from error
        source = stack.enter_context(closing(DVCFileSystem(repo)))
        folder = stack.enter_context(TemporaryDirectory())
        yield Files(name, Path(folder), source, seed)


def _at_revision(name: str) -> Any:
    """Return DVC's project as it is in a revision.

    `DVCFileSystem(rev=...)` would take the root of the git repository for the project, which may
    lie in one of its folders.
    """
    from dvc.fs import GitFileSystem  # type: ignore[import-untyped] # it ships no types
    from dvc.repo import Repo
    from dvc.scm import SCM  # type: ignore[import-untyped] # nor here

    with Repo() as here:
        remote = here.config["core"].get("remote")
        # A revision may be older than the remote that has its files by now.
        config = {"remote": {remote: here.config["remote"][remote]}} if remote else {}
        git = SCM(here.root_dir)
        folder = Path(here.root_dir).resolve().relative_to(Path(git.root_dir).resolve())
        at_revision = GitFileSystem(scm=git, rev=name)
        return Repo(str("/" / folder), at_revision, scm=git, config=config)


def experiments() -> list[str]:
    """Return the names of the experiments of the current commit."""
    from dvc.repo import Repo

    with closing(Repo()) as repo:
        found = repo.experiments.ls()
    return sorted(name for entries in found.values() for name, _ in entries)


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
