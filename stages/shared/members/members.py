"""Train the members of a stage side by side, each only once."""

import shutil
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from stages.shared import artifacts
from stages.shared.artifacts import Ensemble, Ints, Meta, Subset
from stages.shared.artifacts.files import atomic_folder
from stages.shared.artifacts.no_weights import has_weights
from stages.shared.artifacts.tracking import save_tracked, stack_tracked
from stages.shared.errors import ArtifactError
from stages.shared.members import finished_members
from stages.shared.members.job_fingerprints import job_fingerprint
from stages.shared.running import dispatch, engine, resume_folder, timings
from stages.shared.running.progress import MemberProgress
from stages.shared.samples.randomness import generator, uniform_by_id
from stages.shared.settings.params import Params
from stages.shared.settings.training_sections import Training
from stages.shared.training.job import ALONE, Job, Parallel, Track, Trained


@dataclass(frozen=True)
class Plan:
    """What a stage trains of one draw: so many members of one model on one subset."""

    params: Params
    model: str
    settings: Training
    learning_rate: float
    prepared: Path
    meta: Meta
    subset: Subset
    initial_weights: Sequence[Path] | None  # of each member; None: from scratch
    track: Track
    parallel: Parallel = ALONE
    as_long_as: int | None = None  # as of a job


def train_members(
    plans: Sequence[Plan], ensembles: Path, histories: Path, dynamics: Path | None = None
) -> None:
    """Train what is not finished yet; write each draw's ensemble, its history and its dynamics.

    The plans differ by what differs from draw to draw: random seed, subset and initial weights.
    """
    first = plans[0]
    finished = train_jobs([job for plan in plans for job in _jobs(plan)])
    count, num_train = first.settings.members, first.meta.num_samples["train"]
    with (
        atomic_folder(ensembles) as ensemble_folder,
        atomic_folder(histories) as history_folder,
        nullcontext() if dynamics is None else atomic_folder(dynamics) as dynamics_folder,
    ):
        for number, plan in enumerate(plans):
            name, folders = plan.params.draw, finished[number * count : (number + 1) * count]
            members = [
                finished_members.load_member(folder, plan.track, num_train) for folder in folders
            ]
            _write_ensemble(plan, ensemble_folder / name, folders, members)
            epochs = [epoch for member in members for epoch in member.history]
            artifacts.save_history(history_folder / f"{name}.csv", epochs)
            if dynamics_folder is not None:
                # Of members that saw other samples there is no common table.
                seen = [] if getattr(plan.settings, "bootstrap", False) else members
                _write_dynamics(dynamics_folder / name, seen)


def train_jobs(jobs: Sequence[Job], part: str = "") -> list[Path]:
    """Train what is not finished yet, side by side; return the folder of each, in order.

    All have the settings of the first, as far as it matters for where they run. `part` says on the
    progress line what of the stage this is, where that is not all.
    """
    first = jobs[0]
    with MemberProgress(len(jobs), part) as progress:
        finished = dispatch.map_pieces(
            train_once,
            jobs,
            threads_per_piece=first.settings.num_threads * first.parallel.processes,
            gpus_per_piece=first.parallel.processes,
            on_report=progress.update,
        )
        num_found = len(jobs) - progress.num_started
        timings.note_trainings([*map(timings.load, finished)], num_found, progress.seconds)
    return finished


def given_weights(weights: Path, settings: Training) -> list[Path] | None:
    """Return what each member starts from: the same weights, or None where the file holds none.

    Raises:
        ArtifactError: there is no such file.
    """
    try:
        is_given = has_weights(weights.stat().st_size)
    except OSError as error:
        raise ArtifactError(f"{weights}: cannot be read ({error}); run `dvc repro`") from None
    return [weights] * settings.members if is_given else None


def _picks(plan: Plan, member: int) -> Ints:
    """Return the rows that a member is trained on: those of the subset, or a bootstrap of them.

    A bootstrap draws as many with replacement (Efron 1979), by the ids of the samples.
    """
    index_P, seed = plan.subset.index_P, plan.params.random_seed
    if not getattr(plan.settings, "bootstrap", False):
        return index_P
    key_N = uniform_by_id(artifacts.load_sample_ids(plan.prepared, "train"), seed, "bootstrap")
    order_P = index_P[np.argsort(key_N[index_P], kind="stable")]
    return order_P[generator(seed, "bootstrap", member).integers(0, len(order_P), len(order_P))]


def _jobs(plan: Plan) -> list[Job]:
    return [job_of(plan, member) for member in range(plan.settings.members)]


def job_of(plan: Plan, member: int) -> Job:
    """Return one member of a plan, to be trained."""
    params = plan.params
    return Job(
        task=plan.meta.task,
        model=plan.model,
        settings=plan.settings,
        learning_rate=plan.learning_rate,
        random_seed=params.random_seed,
        member=member,
        index_P=_picks(plan, member),
        prepared=plan.prepared.absolute(),
        meta=plan.meta,
        initial_weights=None
        if plan.initial_weights is None
        else plan.initial_weights[member].absolute(),
        track=plan.track,
        parallel=plan.parallel,
        as_long_as=plan.as_long_as,
    )


def train_once(job: Job, report: engine.Report) -> Path:
    """Train a member unless it is finished already; return its folder. Runs in a worker process."""
    import torch

    from stages.shared.members.saved_states import SavedStates
    from stages.shared.training import loop

    device = engine.device_name()
    folder, tracked = _folders(job, device)
    if resume_folder.is_finished(tracked):
        return tracked
    states = SavedStates(resume_folder.folder() / "partial", folder.name)
    if not resume_folder.is_finished(folder):
        # A member that goes on shows the epoch that it goes on from.
        report((states.newest.history[-1], None) if states.newest else None)
        # Two experiments may train the same member at the same time, to the same bytes.
        with atomic_folder(folder, keep_first=True) as temporary:
            trained = loop.train(
                job, temporary, torch.device(device), lambda *event: report(event), states
            )
            finished_members.save_member(temporary, trained)
            threads = job.settings.num_threads * job.parallel.processes
            timings.save(temporary, states.seconds, threads)
    states.drop()
    return folder


def num_finished(plan: Plan) -> int:
    """Return how many members of a plan would not be trained again (needs torch)."""
    device = engine.device_name()
    return sum(any(map(resume_folder.is_finished, _folders(job, device))) for job in _jobs(plan))


def _folders(job: Job, device: str) -> tuple[Path, Path]:
    """Return where a member lies when it is finished: with what the job tracks, and with all.

    Tracking decides no weights: who does without finds them beside what was tracked.
    """
    folder, tracked = (
        resume_folder.folder() / "members" / job_fingerprint(each, device)
        for each in (job, replace(job, track="gradient_norm"))
    )
    return folder, tracked


def _write_ensemble(
    plan: Plan, ensemble: Path, folders: Sequence[Path], members: Sequence[Trained]
) -> None:
    for folder, member in zip(folders, members, strict=True):
        for checkpoint in member.checkpoints:
            (ensemble / checkpoint.path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(folder / checkpoint.path, ensemble / checkpoint.path)
    kept = [checkpoint for member in members for checkpoint in member.checkpoints]
    meta = plan.meta
    artifacts.save_ensemble(
        ensemble, Ensemble(plan.model, meta.num_classes, meta.input_shape, kept)
    )


def _write_dynamics(folder: Path, members: Sequence[Trained]) -> None:
    shown = [member.dynamics for member in members]
    artifacts.save_dynamics(
        folder, artifacts.stack_dynamics(shown) if shown else artifacts.no_dynamics()
    )
    tracked = [member.tracked for member in members if member.tracked is not None]
    if tracked:
        save_tracked(folder, stack_tracked(tracked))
