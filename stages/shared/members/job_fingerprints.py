"""The name of a member: it says everything that decides the member's bytes."""

import hashlib
from importlib.metadata import version
from pathlib import Path

import numpy as np

from stages.shared.members.fingerprints import code_fingerprint, file_fingerprint, fingerprint
from stages.shared.settings.training_sections import Training
from stages.shared.training.job import Job

SHARED = Path(__file__).parent.parent
# What decides a member's bytes beside its model's and its task's file: all code in these rooms, and
# what an image costs, which histories count.
ROOMS = ("networks", "samples", "training")
COST = ("prediction/cost.py", "prediction/flops.py")

# Of what lies in the resume folder; to be raised when artifacts/ writes it otherwise.
FORMAT = 4


def job_fingerprint(job: Job, device: str) -> str:
    """Return a name for everything that decides a member's bytes (needs torch)."""
    import torch

    settings = {
        name: value
        for name, value in job.settings.model_dump(mode="json").items()
        if name in Training.model_fields and name != "members"
    }
    task, model = SHARED / "tasks" / job.task, SHARED / "models" / job.task / f"{job.model}.py"
    code = [
        *(path for room in ROOMS for path in sorted((SHARED / room).glob("*.py"))),
        *(SHARED / name for name in COST),
        model,
        *(path for path in sorted(task.glob("*.py")) if path.name != "rules.py"),
    ]
    initial = job.initial_weights
    is_library = "library_networks" in model.read_text(encoding="utf-8")
    return fingerprint(
        {
            "code": code_fingerprint(code),
            "data": [job.meta.fingerprint, job.meta.mean, job.meta.std, job.meta.class_names],
            "device": device,
            "format": FORMAT,
            "processor": torch.backends.cpu.get_cpu_capability(),
            "initial_weights": None if initial is None else file_fingerprint(initial),
            "learning_rate": job.learning_rate,
            "member": job.member,
            "model": job.model,
            "random_seed": job.random_seed,
            # They decide which samples are looked at epoch by epoch.
            "sample_ids": file_fingerprint(job.prepared / "train" / "sample_ids.csv"),
            "settings": settings,
            "subset": hashlib.blake2b(np.sort(job.index_P).tobytes()).hexdigest(),
            "task": job.task,
            "torch": version("torch"),
            **({"timm": version("timm")} if is_library else {}),
            "torchvision": version("torchvision"),
            # Only where something is: a stage that tracks nothing else finds the same members.
            **({} if job.track == "none" else {"track": job.track}),
            **({} if job.parallel.processes == 1 else {"parallel": vars(job.parallel)}),
            **({} if job.as_long_as is None else {"as_long_as": job.as_long_as}),
        }
    )
