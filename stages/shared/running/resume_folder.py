"""Where trained members are kept outside the outputs, so that nothing is trained twice.

And what they and the stages took, in seconds (`timings.py`).

`SUBSET_RESUME` names the folder; by default it is `.resume` in the repository, which
experiments in DVC's temporary workspaces share. It is safe to delete and only grows:
`python -m commands.resume` lists and prunes it.
"""

import os
from pathlib import Path

# Begins the name of a file by which nodes of a cluster see whether they share the folder.
MARKER = ".shared-"
# The folders in it, and what lies there.
KINDS = {
    "members": "finished members",
    "partial": "states of unfinished members",
    "embeddings": "networks whose embeddings are kept",
    "checksums": "lists of checksums of your files",
    "stages": "stages' seconds",
}


def folder() -> Path:
    """Return the resume folder."""
    if named := os.environ.get("SUBSET_RESUME"):
        return Path(named)
    here = Path.cwd()
    for parent in here.parents:
        if parent.name == ".dvc":  # here is .dvc/tmp/exps/<workspace>
            return parent.parent / ".resume"
    return here / ".resume"


# Names of members that the node has where the pipeline runs, in a piece of work on another node.
known_elsewhere: frozenset[str] = frozenset()


def finished(resume: Path) -> frozenset[str]:
    """Return the names of the finished members in a resume folder."""
    members = resume / "members"
    found = members.iterdir() if members.is_dir() else ()
    return frozenset(path.name for path in found if not path.name.startswith("."))


def is_finished(member: Path) -> bool:
    """Return whether a member is finished, here or on the node where the pipeline runs."""
    return member.exists() or member.name in known_elsewhere
