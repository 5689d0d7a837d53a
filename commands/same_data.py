"""Whether what stages wrote is of the data that lies in data/prepared.

Rows are of one train split: in other data a row is another sample. Where the data has changed,
`dvc repro` prepares it first, and what the stages below wrote before stays until they have run, or
for good where the run was broken off. dvc.lock says of each stage what it read and wrote.
"""

from stages.shared.errors import DataError
from stages.shared.running.timings import LOCK
from stages.shared.running.whole_run import overlap

PREPARED = "data/prepared"
# All that what is said of a run comes from.
RESULTS = ("data/comparison", "data/evaluation", "data/scores", "data/signals", "data/subsets")


def require_same_data(*paths: str, as_written: bool = False) -> None:
    """Stop unless what lies at these paths was made of what lies in data/prepared.

    What is missing is for those who read it to say. Without dvc.lock stages were run by hand, and
    nobody knows.

    Args:
        paths: of what stages wrote, or of folders that hold it.
        as_written: it must also be what dvc.lock knows, since a stage that was killed may have
            written it of data that was there for a while.

    Raises:
        DataError: it was not, dvc.lock does not know it, or DVC cannot read the project.
    """
    if not LOCK.exists():
        return
    # Imported here: it takes a second, and --help does without.
    from dvc.exceptions import DvcException  # type: ignore[import-untyped] # it ships no types
    from dvc.repo import Repo  # type: ignore[import-untyped] # nor here

    try:
        with Repo() as repo:
            for stage in repo.stage.load_all():
                outs = [out for out in stage.outs if any(overlap(out.def_path, p) for p in paths)]
                deps = [dep for dep in stage.deps if outs and overlap(dep.def_path, PREPARED)]
                known = [out for out in outs if as_written or not out.hash_info]
                for how, each in (
                    *(("read", dep) for dep in deps),
                    *(("wrote", out) for out in known),
                ):
                    if each.exists and each.workspace_status():
                        raise DataError(
                            f"{outs[0].def_path}: may be of other data than {PREPARED} holds now "
                            f"({each.def_path} is not what {stage.addressing} {how}, by {LOCK}); "
                            "run `dvc repro`"
                        )
    except DvcException as error:
        raise DataError(f"dvc: {' '.join(str(error).split())}") from error
