"""What two settings of the search may not say together.

Each check raises a ValueError of one line.
"""

from stages.shared.settings import task_limits
from stages.shared.settings.content import Content
from stages.shared.settings.menu import (
    NEED_DYNAMICS,
    NEED_FEATURES,
    NEED_GRADIENT_NORM,
    NEED_LABELS,
    NEED_TWO_VOTERS,
)
from stages.shared.sizes import Size


def _rounds(params: Content) -> None:
    seen = [params.seed_size]
    for number, entry in enumerate(params.rounds):
        here = f"rounds.{number}"
        _check_kind(params, f"{here}.from", entry.from_)
        _check_kind(params, f"{here}.to", entry.to)
        if entry.from_ != seen[-1]:
            raise ValueError(
                f"{here}.from is {entry.from_}; it must be {seen[-1]}, the size before it"
            )
        if entry.to in seen:
            raise ValueError(f"{here}.to is {entry.to}; no size may occur twice")
        seen.append(entry.to)


def _check_kind(params: Content, place: str, size: Size) -> None:
    wanted = "a fraction such as 1.0" if isinstance(params.seed_size, float) else "a count"
    if type(size) is not type(params.seed_size):
        raise ValueError(
            f"{place} is {size}; it must be {wanted}, as seed_size, {params.seed_size}, is one"
        )


def _acquisition(params: Content) -> None:
    if isinstance(params.acquisition, str):
        return
    found, wanted = list(params.acquisition), [str(entry.to) for entry in params.rounds]
    if sorted(found) != sorted(wanted):
        raise ValueError(
            f"acquisition has the sizes {found}; it must have those that rounds go to, {wanted}"
        )


def _voters(params: Content) -> None:
    voters, training = params.predict_pool.voters, params.train_ensemble
    kept, here = training.checkpoints, "predict_pool.voters"
    asked = f"{here}.count is {voters.count}, every {voters.stride} epochs"
    reach, epochs = (voters.count - 1) * voters.stride, training.stop_after or training.epochs
    if voters.checkpoints == "best" and not kept.best:
        raise ValueError(
            f"{here}.checkpoints is best; it must be last unless "
            "train_ensemble.checkpoints.best is true"
        )
    if voters.members == "best" and not kept.best:
        raise ValueError(
            f"{here}.members is best; it must be all unless train_ensemble.checkpoints.best is true"
        )
    if voters.checkpoints == "best" and voters.count > 1:
        raise ValueError(
            f"{here}.count is {voters.count}; it must be 1, a member has one best checkpoint"
        )
    if reach > (kept.last - 1) * kept.every or (reach and voters.stride % kept.every):
        raise ValueError(
            f"{asked}; train_ensemble.checkpoints keeps {kept.last}, every {kept.every}"
        )
    if epochs is not None and reach >= epochs:
        raise ValueError(f"{asked}; a member trains {epochs} epochs")
    _check_number_of_voters(params)


def _check_number_of_voters(params: Content) -> None:
    for entry in params.rounds:
        name = params.acquisition_of(str(entry.to))
        if name in NEED_TWO_VOTERS and params.num_voters < 2:  # noqa: PLR2004 - it is in the name
            raise ValueError(
                f"acquisition is {name} with one voter; raise predict_pool.voters.count or "
                "train_ensemble.members to have two"
            )


def _signals(params: Content) -> None:
    ensemble = params.train_ensemble
    epochs = ensemble.stop_after or ensemble.epochs
    for entry in params.rounds:
        name = params.acquisition_of(str(entry.to))
        if name == "el2n" and epochs is not None and ensemble.el2n_epoch > epochs:
            raise ValueError(
                f"train_ensemble.el2n_epoch is {ensemble.el2n_epoch}; a member trains "
                f"{epochs} epochs"
            )
        if name in NEED_DYNAMICS and entry.to > entry.from_:
            raise ValueError(
                f"acquisition is {name}, which needs every candidate to have been trained on; "
                f"the round {entry.from_} to {entry.to} must shrink, as from: 1.0 to: 0.5"
            )
        if name in NEED_GRADIENT_NORM:
            _require_signal(params, f"acquisition is {name}", "gradient_norm")
    pool = params.predict_pool
    if "gradient_norm" in pool.signals and pool.precision != "fp32":
        raise ValueError(
            f"predict_pool.precision is {pool.precision}; it must be fp32 with the signal "
            "gradient_norm: rounded features and logits order small norms by chance"
        )


def _rules(params: Content) -> None:
    """Check what selects: `select` and each entrant of the race."""
    acquisitions = {params.acquisition_of(str(entry.to)) for entry in params.rounds}
    for here, select in params.selections.items():
        if select.near_duplicates == "one" and not params.picks_once:
            raise ValueError(
                f"{here}.near_duplicates is one; it must be all with select.candidates: all, by "
                "which a sample may even stand twice"
            )
        by_weight = {*select.rules} & {"beta", "proportional", "uncertainty_herding"}
        if "aum" in acquisitions and by_weight:
            raise ValueError(
                f"{here}.rule is {by_weight.pop()} with acquisition aum, which is negative for "
                "what was learnt; it must be another rule, or el2n or forgetting_events"
            )
        for key, name in zip(("rule", "mixed.rule"), select.rules, strict=False):
            if name in NEED_FEATURES:
                _require_signal(params, f"{here}.{key} is {name}", "features")
            if name in NEED_LABELS and not params.rules.has_labels:
                raise ValueError(
                    f"{here}.{key} is {name}, which needs one label for each sample; it must "
                    f"be another rule with task {params.task}"
                )


def _entrants(params: Content) -> None:
    content = params.model_dump()
    # What is wrong with `select` itself is said of it.
    before = {*task_limits.problems(params.task, content)}
    for here, select in params.selections.items():
        of_entrant = {**content, "select": select.model_dump()}
        for problem in task_limits.problems(params.task, of_entrant):
            if problem not in before:
                raise ValueError(problem.replace("select", here, 1))


def _require_signal(params: Content, wanted: str, name: str) -> None:
    if name not in params.predict_pool.signals:
        raise ValueError(f"{wanted}; predict_pool.signals must then hold {name}")


# The others look up the acquisition function of each round, and the entrants.
FIRST = (_rounds, _acquisition, _entrants)
REST = (_voters, _signals, _rules)
