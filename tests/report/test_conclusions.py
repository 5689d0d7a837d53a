"""What may be said of the subset: every outcome at its border, by hand and against scipy."""

import math
from dataclasses import replace

import numpy as np
import pytest
import two_way
from finished_run import in_groups
from scipy import stats

from stages.report.numbers.conclusions import (
    Against,
    Conclusion,
    NotShown,
    Smallest,
    conclude,
)
from stages.report.numbers.draws import Draw, draw_of
from stages.report.numbers.payback import Cost
from stages.report.numbers.seconds import OF_A_ROUND, Seconds, of_target
from stages.report.run.results import Target
from stages.report.words.headline import decision, finding
from stages.report.words.next_step import OTHER_CLASSES, next_step
from stages.report.words.wording import basis_in_words, details, measured_on, unvalidated_in_words
from stages.shared.artifacts import Epoch, Evaluation
from stages.shared.running.timings import StageTiming
from stages.shared.settings.training_sections import EpochLength, UpdateLength
from stages.shared.sizes import MATCHED


def sentence(found):
    """Return all that is said of a conclusion."""
    return "; ".join([f"({basis_in_words(found)})", finding(found), *details(found)])


# --- a draw, made up -----------------------------------------------------------------------------

NUM_TEST, NUM_VALIDATION = 1000, 2000


def target(right_M, validation, flops, num_test=NUM_TEST, chance=0.0):
    """Members that are right on so many test samples, the first ones; chance is so for each."""
    correct_MT = np.arange(num_test) < np.array(right_M)[:, np.newaxis]
    members = [
        {
            "accuracy": share,
            "validation_accuracy": validation,
            "above_chance": share - chance,
        }
        for share in correct_MT.mean(axis=1).tolist()
    ]
    mean = {"accuracy": float(correct_MT.mean()), "validation_accuracy": validation}
    history = [
        Epoch(member, 1, 1, 1, flops, 0.1, 1.0, 0.5, None, None) for member in range(len(right_M))
    ]
    correct_MV = np.tile(np.arange(NUM_VALIDATION) < validation * NUM_VALIDATION, (len(right_M), 1))
    values = {
        "accuracy": correct_MT,
        "validation_accuracy": correct_MV,
        "above_chance": correct_MT - chance,
    }
    return Target(history, Evaluation(members, mean, mean, {}, values))


@pytest.fixture
def made(finished):
    """Return a function that makes a run of these targets, by the name of the subset."""

    def make(targets, length=None, margin=0.5, search_flops=6.0, picks=None):
        results = finished.results()
        trained = results.params.train_subset_model.model_copy(
            update={"length": length or EpochLength(epochs=8)}
        )
        report = results.params.report.model_copy(update={"margin": margin})
        params = results.params.model_copy(update={"train_subset_model": trained, "report": report})
        whole = results.comparison["full"]
        sizes = {"selected": 20, "random": 20, "full": 80} | (picks or {})
        comparison = {name: whole.first(sizes[name]) for name in targets}
        named = {("resnet8", name): found for name, found in targets.items()}
        return Draw(params, results.meta, comparison, named, search_flops)

    return make


def told(run):
    found = conclude([run], "resnet8")
    return {other: entry.word for other, entry in found.against.items()}


def test_one_draw_is_labelled_and_has_the_interval_of_trainings_and_test_samples(finished):
    [model] = finished.results().params.compare.models
    run = draw_of(finished.results())
    found = conclude([run], model)
    paired_MT = 100.0 * (
        run.targets[model, "selected"].evaluation.values["accuracy"].astype(float)
        - run.targets[model, "random"].evaluation.values["accuracy"]
    )
    assert found.against["random"].reach == pytest.approx(two_way.reach(paired_MT))
    assert "95 % intervals, this draw alone" in sentence(found)


def test_one_run_of_one_member_cannot_tell(made):
    run = made({"selected": target([990], 0.9, 1), "random": target([500], 0.9, 1)})
    assert told(run) == {"random": "cannot tell"}
    assert "cannot be told from a random subset of its size (+49.0 ± ? points)" in (
        sentence(conclude([run], "resnet8"))
    )


def test_draws_are_taken_together_by_the_difference_of_each(made):
    """On 1000 test samples: differences of 1.0, 2.0 and 3.0 points in the mean of two members."""
    runs = [
        made(
            {
                "selected": target([900 + more, 910 + more], 0.9, 1),
                "random": target([900, 910], 0.9, 1),
            }
        )
        for more in (10, 20, 30)
    ]
    [entry] = conclude(runs, "resnet8").against.values()
    assert entry.value == pytest.approx(2.0)
    difference_RT = np.zeros((3, NUM_TEST))
    for row, more in zip(difference_RT, (10, 20, 30), strict=True):
        # One of two members is right on those after 900, and one on those after 910.
        row[900 : 900 + more] += 50
        row[910 : 910 + more] += 50
    assert entry.reach == pytest.approx(two_way.reach(difference_RT))
    assert entry.word == "better"  # 20 in 1000 test samples, and none the other way
    assert "3 draws of the subsets" in sentence(conclude(runs, "resnet8"))


# --- cost ----------------------------------------------------------------------------------------


def compared(selected, full):
    return {"selected": target([900, 901], 0.9, selected), "full": target([900, 901], 0.9, full)}


@pytest.mark.parametrize(
    ("search", "selected", "full", "trainings", "after"),
    [
        (6.0, 2.0, 4.0, 1.5, 3),  # 6 + 3 x 2 = 3 x 4
        (6.1, 2.0, 4.0, 1.525, 4),
        (0.5, 2.0, 4.0, 0.125, 1),
        (0.0, 2.0, 4.0, 0.0, 1),
        (6.0, 4.0, 4.0, 1.5, None),
        (6.0, 5.0, 4.0, 1.5, None),  # a subset with duplicates may be larger than everything
    ],
)
def test_the_search_pays_back_when_it_and_the_trainings_on_the_subset_cost_no_more_than_on_full(
    made, search, selected, full, trainings, after
):
    run = made(compared(selected, full), search_flops=search)
    assert conclude([run], "resnet8").cost == Cost(pytest.approx(trainings), after)


def test_under_equal_updates_nothing_is_said_to_pay_back(made):
    run = made(compared(2.0, 4.0), length=UpdateLength(updates=300))
    found = conclude([run], "resnet8")
    assert found.cost == Cost(1.5, None)
    assert "with equal updates a subset saves hardly any training time" in sentence(found)
    assert "pays back" not in sentence(found)


def test_what_is_fine_tuned_never_pays_back(made):
    """Each target needs an ensemble of its own kind first, which had everything."""
    run = made(compared(2.0, 4.0))
    settings = run.params.train_subset_model.model_copy(update={"initialize_from": 0.125})
    params = run.params.model_copy(update={"train_subset_model": settings})
    found = conclude([replace(run, params=params)], "resnet8")
    assert found.cost == Cost(1.5, None)
    assert "never pays back, since a target that is fine-tuned needs an ensemble" in sentence(found)
    assert conclude([run], "resnet8").cost == Cost(1.5, 3)


def in_seconds(run, ensemble, machine="2 cores"):
    """Give a run seconds: 1 for each stage of two rounds but the first ensemble, 20 and 40."""
    stages = {
        f"{kind}@round{number}": StageTiming(1.0, machine)
        for kind in OF_A_ROUND
        for number in range(2)
    }
    stages["train_ensemble@round0"] = StageTiming(ensemble, machine)
    for subset, seconds in (("selected", 20.0), ("full", 40.0)):
        stages[of_target("resnet8", subset)] = StageTiming(90.0, machine, [seconds], 0, 9.0)
    return replace(run, seconds=Seconds(stages, 1))


def test_seconds_have_a_cost_and_a_payback_of_their_own(made):
    run = in_seconds(made(compared(2.0, 4.0)), 51.0)  # and 9 other stages: 60 seconds
    found = conclude([run], "resnet8")
    assert found.cost == Cost(1.5, 3)
    assert found.cost_in_seconds == Cost(1.5, 3, 60.0)
    found = conclude([in_seconds(run, 11.0)], "resnet8")
    assert found.cost_in_seconds == Cost(0.5, 1, 20.0)
    assert (
        "; the search took 20.0 s, as long as 0.5 full trainings (1.5 in FLOPs) and, counted so, "
        "pays back after 1 training on the subset;"
    ) in sentence(found)
    both = conclude([in_seconds(run, 51.0), in_seconds(run, 11.0)], "resnet8")
    assert both.cost_in_seconds == Cost(1.0, 2, 40.0)


def test_without_the_seconds_of_each_run_on_one_machine_flops_are_told(made):
    run = made(compared(2.0, 4.0))
    known, other = in_seconds(run, 51.0), in_seconds(run, 51.0, "a laptop")
    unknown = replace(run, seconds=Seconds({}, 1))
    for runs in ([unknown], [known, run], [known, unknown], [known, other]):
        found = conclude(runs, "resnet8")
        assert found.cost_in_seconds is None
        assert "the search cost 1.5 full trainings in FLOPs and, counted so, " in sentence(found)


def test_without_everything_neither_the_cost_nor_the_smallest_subset_is_told(made):
    run = made({"selected": target([900, 901], 0.9, 1), "random": target([900, 900], 0.9, 1)})
    found = conclude([run], "resnet8")
    assert (found.cost, found.smallest) == (None, None)
    assert "search" not in sentence(found)
    assert "smallest" not in sentence(found)


# --- models that have learnt nothing -------------------------------------------------------------


@pytest.mark.parametrize(("num_right", "warns"), [(333, True), (368, True), (369, False)])
@pytest.mark.parametrize("name", ["full", "selected"])
def test_a_model_must_be_right_more_often_than_one_who_guesses(made, name, num_right, warns):
    """1000 samples of 3 classes: 36.83 % are within 0.5 points of chance at the lower end.

    33.33 + 0.5 + 1.9623 x sqrt(0.3683 x 0.6317 / 999) x 100.
    """
    learnt, asked = target([990, 990], 0.9, 1), target([num_right] * 2, 0.9, 1, chance=1 / 3)
    targets = {"selected": learnt, "full": learnt, "random": learnt} | {name: asked}
    found = conclude([made(targets)], "resnet8")
    told = details(found)[0]
    where = {"full": "everything", "selected": "the subset"}[name]
    assert told.startswith(f"trained on {where} it does little more than guess: ") == warns
    assert decision(found).startswith("No answer yet: the models have hardly learnt") == warns
    assert list(found.guessing) == [name] * warns


def test_of_models_that_guess_nothing_is_said_to_be_better(made):
    """The subset is surely better, by 5 points, and neither is above chance."""
    targets = {"selected": target([180, 180], 0.1, 1), "full": target([130, 130], 0.1, 1)}
    assert told(made(targets)) == {"full": "better"}
    targets["selected"] = target([180, 180], 0.1, 1, chance=0.179)
    found = conclude([made(targets)], "resnet8")
    assert {entry.word for entry in found.against.values()} == {"cannot tell"}
    assert found.smallest is None
    words = sentence(found)
    assert "is better" not in words
    assert "cannot be compared yet with everything" in words


def validated(found, accuracies):
    """Return the target with a validation after each tenth of the updates."""
    history = [
        replace(
            epoch, epoch=number, updates=number, learning_rate=1 / number, validation_accuracy=share
        )
        for epoch in found.history
        for number, share in enumerate(accuracies, start=1)
    ]
    return replace(found, history=history)


def test_trainings_whose_accuracy_still_rises_are_called_not_converged(made):
    """On 40 validation samples a rise must be large: 40 points on everything."""
    flat, steep = [0.1, 0.8, 0.9, 0.9, 0.9], [0.1, 0.2, 0.3, 0.5, 0.7]
    learnt = target([900, 901], 0.9, 1)
    run = made({"selected": validated(learnt, flat), "full": validated(learnt, steep)})
    found = conclude([run], "resnet8")
    assert found.rising == {"full": pytest.approx(40)}
    assert (
        "not converged: trained on everything its accuracy on validation still rose by 40.00"
        in (sentence(found))
    )
    # In four groups, whose samples are right together, they show nothing.
    assert conclude([in_groups(run, 4)], "resnet8").rising == {}
    guesses = target([333, 333], 0.9, 1, chance=1 / 3)
    run = made({"selected": learnt, "full": validated(guesses, steep)})
    assert conclude([run], "resnet8").rising == {}  # the other warning says more


# --- the smallest subset -------------------------------------------------------------------------

SIZES = {"selected-0.05": 4, "selected-0.15": 12}


def lowest(num_worse):
    """Return the lower end of the interval where so many validation samples more are wrong.

    Of fewer than five a variance says little: other samples may then hold a share of which these
    hold none.
    """
    gains_V = -100.0 * (np.arange(NUM_VALIDATION) < num_worse)
    mean = gains_V.mean()
    low, _ = stats.t.interval(0.95, NUM_VALIDATION - 1, mean, stats.sem(gains_V))
    unseen = (100 - mean) * (1 - 0.025 ** (1 / NUM_VALIDATION))
    return min(low, mean - unseen) if num_worse < 5 else low


def test_the_smallest_subset_is_chosen_on_validation_though_test_says_otherwise(made):
    targets = {
        "selected": target([990, 990], 0.960, 1),  # by far the best on test
        "selected-0.05": target([999, 999], 0.940, 1),  # and this better still: too low below
        "selected-0.15": target([500, 500], 0.959, 1),  # the worst on test
        "full": target([900, 900], 0.960, 1),
    }
    found = conclude([made(targets, picks=SIZES)], "resnet8").smallest
    assert found == Smallest(
        12, 12 / 80, pytest.approx(-0.1), pytest.approx(lowest(2)), pytest.approx(50.0)
    )


def test_a_point_estimate_within_the_margin_is_not_enough(made):
    """0.3 points below everything, and perhaps more than the margin of 0.5."""
    assert lowest(2) > -0.5
    assert lowest(6) < -0.5 < -0.3
    for validation, picks in ((0.959, 12), (0.957, 20)):
        targets = {
            "selected": target([900, 900], 0.96, 1),
            "selected-0.15": target([900, 900], validation, 1),
            "full": target([900, 900], 0.96, 1),
        }
        assert conclude([made(targets, picks=SIZES)], "resnet8").smallest.picks == picks


def test_where_validation_is_too_small_it_says_how_many_samples_would_do(made):
    """The interval must shrink from what it reaches to the 0.2 points that are left."""
    targets = {"selected": target([900, 900], 0.957, 1), "full": target([900, 900], 0.96, 1)}
    run = made(targets)
    found = conclude([run], "resnet8")
    num = run.meta.num_samples["validation"]
    enough = math.ceil(num * ((-0.3 - lowest(6)) / 0.2) ** 2)
    assert found.smallest == NotShown(num, enough)
    assert (
        f"{num} validation samples cannot tell whether a compared subset is within 0.5 points of "
        f"everything (some {float(f'{enough:.2g}'):.0f} could)" in sentence(found)
    )


def test_where_draws_differ_no_number_of_samples_would_do(made):
    """Draws of -1, 0 and 1 points are known to ± 2.5, and samples are of little of that."""
    full = target([900, 900], 0.96, 1)
    runs = [
        made({"selected": target([900, 900], share, 1), "full": full}, margin=1.2)
        for share in (0.95, 0.96, 0.97)
    ]
    assert conclude(runs, "resnet8").smallest == NotShown(40, None)


def test_no_number_of_samples_is_named_that_nobody_has(made):
    """The difference lies so near the margin that a hundred times the samples would do."""
    targets = {"selected": target([900, 900], 0.956, 1), "full": target([900, 900], 0.96, 1)}
    found = conclude([made(targets, margin=0.41)], "resnet8")
    assert found.smallest.enough > 100 * found.smallest.num_validation
    assert "could)" not in sentence(found)
    assert f"(nor could {20 * found.smallest.num_validation:,})" in sentence(found)


def test_models_that_are_right_on_all_validation_samples_need_more_of_them(made):
    """Of 2,000 samples 0.18 points may be wrong unseen: more than a margin of 0.1 by 1.8 times."""
    targets = {"selected": target([900, 900], 1.0, 1), "full": target([901, 901], 1.0, 1)}
    run = made(targets, margin=0.1)
    num = run.meta.num_samples["validation"]
    unseen = 100 * (1 - 0.025 ** (1 / NUM_VALIDATION))
    assert conclude([run], "resnet8").smallest == NotShown(num, math.ceil(num * unseen / 0.1))
    assert conclude([made(targets, margin=0.2)], "resnet8").smallest.picks == 20


def test_random_subsets_are_not_what_the_search_is_praised_for(made):
    targets = {
        "selected": target([900, 900], 0.80, 1),
        "random": target([900, 900], 0.96, 1),
        "full": target([900, 900], 0.96, 1),
    }
    found = conclude([made(targets)], "resnet8")
    assert found.smallest == NotShown(40, None)
    said = "no compared subset is shown to be within 0.5 points of everything on 40 validation"
    assert said in sentence(found)


@pytest.mark.parametrize(
    ("num_right", "word", "words"),
    [
        (932, "as good as", "Choosing does not pay: take a random subset"),
        (912, "worse", "Train on the subset"),
    ],
)
def test_a_random_subset_is_taken_only_where_it_is_as_good_as_everything_too(
    made, num_right, word, words
):
    """The subset has 2 points less than everything, and none or 1.8 more than a random one."""
    targets = {
        "selected": target([930, 930], 0.9, 1),
        "random": target([num_right, num_right], 0.9, 1),
        "full": target([950, 950], 0.9, 1),
    }
    found = conclude([made(targets, margin=3.0)], "resnet8")
    assert (found.random_word, decision(found)) == (word, words)


# --- in words ------------------------------------------------------------------------------------

TOLD = Conclusion(
    model="resnet8",
    metric="accuracy",
    margin=0.5,
    is_by_updates=False,
    unit="samples",
    picks=12_500,
    fraction=0.25,
    num_draws=1,
    against={
        "full": Against("worse", -1.664, 0.561),
        "random": Against("better", 1.35, 0.43),
    },
    cost=Cost(0.5312, 3),
    smallest=Smallest(12_500, 0.25, -0.3, -0.45, 80.71),
)


def test_bounds_come_first_and_what_stands_behind_them_after():
    """-1.664 ± 0.561 is from -2.225 to -1.103, and 1.35 ± 0.43 from 0.92 to 1.78."""
    assert finding(TOLD) == (
        "the subset of 12,500 samples (25 %) is 1.1 to 2.3 points worse than everything and is 0.9 "
        "to 1.8 points better than a random subset of its size"
    )
    assert "; ".join(details(TOLD)) == (
        "the search cost 0.531 full trainings in FLOPs and, counted so, pays back after 3 "
        "trainings on the subset; the smallest compared subset that validation shows to be within "
        "0.5 points of everything has 12,500 samples (25 %): -0.30 points there, -0.45 at the "
        "least; 80.71 on test"
    )


BRIEF = "everything trained as briefly as the subset"


@pytest.mark.parametrize(
    ("matched", "word", "words"),
    [
        (990, "worse", "without a search, is the better bargain"),
        (910, "better", "so the subset is the better bargain: training less on everything, for as"),
        (950, "as good as", "is not shown to be worse, so it is the better bargain"),
    ],
)
def test_training_less_on_everything_is_weighed_plainly(made, matched, word, words):
    """Of 1,000 test samples the subset has 950 right, everything as briefly 40 more, or fewer."""
    targets = {
        "selected": target([950, 950], 0.9, 1),
        "full": target([950, 950], 0.9, 4),
        "full-matched": target([matched, matched], 0.9, 1),
    }
    found = conclude([made(targets, picks={"full-matched": 80})], "resnet8")
    assert found.against["full-matched"].word == word
    assert found.against["full-matched"].value == pytest.approx((950 - matched) / 10)
    assert words in sentence(found)
    assert sentence(found).count("bargain") == 1
    assert BRIEF in sentence(found)


def test_where_nothing_can_be_told_training_less_on_everything_may_be_the_better_bargain(made):
    targets = {
        "selected": target([950, 952], 0.9, 1),
        "full-matched": target([959, 945], 0.9, 1),
    }
    found = conclude([made(targets, picks={"full-matched": 80})], "resnet8")
    assert found.against["full-matched"].word == "cannot tell"
    assert "without a search, may be the better bargain: the subset is not shown" in sentence(found)


def test_nothing_is_said_of_a_bargain_where_it_was_not_compared_or_a_model_guesses(made):
    assert "bargain" not in sentence(TOLD)
    targets = {
        "selected": target([950, 950], 0.9, 1),
        "full-matched": target([340, 340], 0.1, 1, chance=1 / 3),
    }
    found = conclude([made(targets, picks={"full-matched": 80})], "resnet8")
    assert list(found.guessing) == ["full-matched"]
    assert "bargain" not in sentence(found)
    assert f"trained on {BRIEF} it does little more than guess" in sentence(found)


def test_classes_that_are_not_tested_are_named_with_what_that_means():
    told = details(replace(TOLD, num_classes=12, untested=["rare", "a\nb"]))[0]
    assert told == (
        "2 of 12 classes have no test sample ('rare', 'a\\nb'), so nothing is said of them, and a "
        "mean over classes is one over the others"
    )
    many = sentence(replace(TOLD, num_classes=12, untested=[str(number) for number in range(11)]))
    assert "11 of 12 classes have no test sample ('0', '1', " in many
    assert ", '9' and 1 more)" in many


def test_what_evaluate_counted_says_which_classes_are_not_tested(made):
    by_class = {"left": {"num": 5, "accuracy": 0.5}, "right": {"num": 0, "accuracy": None}}
    selected = target([900], 0.9, 1)
    evaluation = replace(selected.evaluation, by_class=by_class)
    found = conclude([made({"selected": replace(selected, evaluation=evaluation)})], "resnet8")
    assert found.untested == ["right"]


def test_a_test_split_of_one_class_is_no_fault_of_the_models(made):
    """Who always names it is always right, so longer trainings are no answer."""
    by_class = {"left": {"num": 5}, "right": {"num": 0}, "below": {"num": 0}}
    selected = target([1000], 0.9, 1, chance=1.0)
    evaluation = replace(selected.evaluation, by_class=by_class)
    found = conclude([made({"selected": replace(selected, evaluation=evaluation)})], "resnet8")
    assert found.is_of_one_class
    assert decision(found) == "No answer: the test split holds one class alone"
    assert "test holds samples of one class alone" in sentence(found)
    assert "guess" not in sentence(found)
    assert next_step(made({}).params, found, None) == OTHER_CLASSES


def test_classes_without_validation_samples_are_named(finished):
    results = finished.results()
    assert unvalidated_in_words(results) == []
    first = results.meta.class_names[0]
    lacking = results.validation_targets_V[results.validation_targets_V != 0]
    [told] = unvalidated_in_words(replace(results, validation_targets_V=lacking))
    assert told == (
        f"1 of {results.meta.num_classes} classes have no validation sample ({first!r}), so what "
        "is chosen by validation does not see them."
    )


def test_an_interval_wider_than_two_results_can_differ_by_is_not_spelt_out():
    against = {"full": Against("cannot tell", -2.17, 147.36)}
    assert "cannot be told from everything (-2 ± over 100 points)" in sentence(
        replace(TOLD, against=against)
    )


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (Against("as good as", -0.11, 0.3), "is at most 0.5 points below everything"),
        (Against("as good as", 0.5, 0.3), "is not below everything"),
        (Against("cannot tell", -0.21, 2.0), "is at most 2.3 points below everything"),
        (Against("cannot tell", -1.0, 12.3), "is at most 14 points below everything"),
        (Against("as good as", -0.011, 0.03), "is at most 0.05 points below everything"),
        (Against("better", 0.5, 0.4), "is 0.1 to 0.9 points better than everything"),
        (Against("as good as", -0.3, 0.15), "is 0.1 to 0.5 points below everything"),
        (Against("worse", -2.0, 1.9), "is 0.1 to 3.9 points worse than everything"),
    ],
)
def test_bounds_are_rounded_to_what_is_known_away_from_what_they_bound(entry, words):
    assert finding(replace(TOLD, against={"full": entry})).endswith(words)


@pytest.mark.parametrize(
    ("full", "random", "words"),
    [
        (Against("as good as", 0.0, 0.4), Against("better", 1.0, 0.4), "Train on the subset"),
        (Against("better", 1.0, 0.4), Against("cannot tell", 0.0, 2.0), "Train on the subset"),
        (Against("better", 1.0, 0.4), Against("as good as", 0.0, 0.4), "Choosing does not pay"),
        (Against("as good as", 0.0, 0.4), Against("worse", -1.0, 0.4), "Choosing does not pay"),
        (Against("worse", -1.0, 0.4), Against("better", 1.0, 0.4), "Keep all data"),
        (Against("cannot tell", 0, 2), Against("as good as", 0, 0.4), "Keep all data for now"),
        (None, Against("better", 1.0, 0.4), "Better than chance"),
        (None, Against("cannot tell", 0.0, 2.0), "Undecided"),
        (None, Against("cannot tell", -0.5, 0.7), "Choosing does not pay"),
    ],
)
def test_what_to_do_follows_from_both_comparisons(full, random, words):
    against = {
        name: entry for name, entry in (("full", full), ("random", random)) if entry is not None
    }
    told = decision(replace(TOLD, against=against))
    assert told.partition(":")[0] == words


def test_everything_trained_as_briefly_is_advised_where_it_is_better():
    good, worse = Against("as good as", 0.0, 0.4), Against("worse", -2.0, 0.4)
    told = replace(TOLD, against={"full": good, MATCHED: worse})
    assert decision(told) == "Train on everything, as briefly as on the subset"
    assert decision(replace(told, against={"full": good, MATCHED: good})) == "Train on the subset"


def test_where_random_subsets_won_every_race_nothing_was_chosen():
    good, open_ = Against("as good as", 0.0, 0.4), Against("cannot tell", 0.0, 0.9)
    told = replace(TOLD, against={"full": good, "random": open_}, num_draws=3, num_random=3)
    assert decision(told) == "Choosing does not pay: take a random subset"
    assert decision(replace(told, num_random=2)) == "Train on the subset"
    better = replace(told, against={"full": good, "random": Against("better", 3.0, 1.0)})
    assert decision(better) == "Train on the subset"


def test_a_subset_that_may_be_worse_only_for_too_short_trainings_has_no_answer():
    assert decision(replace(TOLD, rising={"full": 2.0})).startswith("No answer yet: the trainings")
    good = {"full": Against("as good as", 0.0, 0.4)}
    assert decision(replace(TOLD, rising={"full": 2.0}, against=good)) == "Train on the subset"


@pytest.mark.parametrize(
    ("entry", "is_as_good"),
    [
        (Against("as good as", 0.1, 0.4), True),  # at most by the margin of 0.5
        (Against("as good as", 0.1, 0.41), False),
        (Against("cannot tell", -0.4, 0.6), False),  # it may be worse by 1.0
        (Against("cannot tell", 0.0, 0.6), False),
        (Against("as good as", -0.3, 0.15), False),  # it surely is worse
        (Against("better", 0.2, 0.1), False),  # 0.1 to 0.3 points
        (Against("worse", -1.0, 0.5), False),  # then random is better
    ],
)
def test_random_is_as_good_where_the_subset_is_not_better_by_more_than_the_margin(
    entry, is_as_good
):
    for other, expected in (("random", is_as_good), ("full", False)):
        told = finding(replace(TOLD, against={other: entry}))
        assert ("gains at most" in told) == expected


# --- where an error comes from -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("source", "num_draws", "words"),
    [
        (
            "samples",
            3,
            "comes most from the 359 test samples (82 % of its variance), so more random_seeds "
            "hardly shrink it, and more test samples do",
        ),
        (
            "rows",
            3,
            "comes most from the 3 draws (82 % of its variance), so more random_seeds shrink it, "
            "and more test samples hardly do",
        ),
        (
            "rows",
            1,
            "comes most from the 2 trainings (82 % of its variance), so more "
            "train_subset_model.members shrink it, and more test samples hardly do",
        ),
        (
            "answers",
            3,
            "comes most from single answers (82 % of its variance), so both more random_seeds and "
            "more test samples shrink it",
        ),
    ],
)
def test_it_says_what_would_shrink_the_largest_part_of_the_error(source, num_draws, words):
    against = {"full": Against("worse", -1.66, 0.56, source, 0.82)}
    found = replace(TOLD, against=against, num_draws=num_draws, num_test=359, num_members=2)
    assert f"the error of the difference to everything {words}" in sentence(found)


def test_what_two_differences_share_is_said_once():
    against = {
        other: Against("worse", -1.66, 0.56, "samples", share)
        for other, share in (("full", 0.82), ("random", 0.747))
    }
    found = replace(TOLD, against=against, num_draws=3, num_test=359)
    words = (
        "the error of the difference to everything and a random subset of its size comes most from "
        "the 359 test samples (82 and 75 % of its variance)"
    )
    assert words in sentence(found)


def test_a_subset_that_is_a_random_one_is_called_that(made):
    draw = made({"selected": target([910, 910], 0.9, 1), "full": target([920, 910], 0.9, 1)})
    others = [replace(draw, took_random=took) for took in (True, False, True)]
    assert ", which the race took at random in 2 of 3 draws, is" in finding(
        conclude(others, "resnet8")
    )
    words = ", which the race took at random since no strategy won, is"
    assert words in finding(conclude([others[0]], "resnet8"))
    assert "random" not in finding(conclude([others[1]], "resnet8"))


def test_groups_of_test_samples_are_named_where_the_errors_are_of_them(made):
    models = {name: target([900, 910], 0.9, 1) for name in ("selected", "random")}
    found = conclude([made(models)], "resnet8")
    assert found.num_test_groups is None
    for one in models.values():
        values = {name: values[:, ::40] * 1.0 for name, values in one.evaluation.values.items()}
        one.evaluation.values.update(values)
    found = conclude([made(models)], "resnet8")
    assert measured_on(found) == "60 test samples in 25 groups"


def test_twenty_draws_on_a_small_test_split_blame_the_test_split(made):
    """Both models always answer alike, and no draw differs: all is the samples' error."""
    runs = [
        made({"selected": target([910, 910], 0.9, 1), "random": target([900, 900], 0.9, 1)})
        for _ in range(20)
    ]
    [entry] = conclude(runs, "resnet8").against.values()
    assert (entry.source, entry.share) == ("samples", 1)


def test_draws_from_one_first_subset_say_that_it_is_left_out(made):
    targets = {"selected": target([910, 910], 0.9, 1), "random": target([900, 900], 0.9, 1)}
    one, other = made(targets), made(targets)
    words = "All draws are from one first subset: how that was drawn is left out of the intervals"
    assert words in basis_in_words(conclude([one, other], "resnet8"))
    assert words not in basis_in_words(conclude([one], "resnet8"))  # which speaks of itself alone
    moved = other.comparison["selected"]
    moved = replace(moved, index_P=moved.index_P[::-1] + 20)
    other = replace(other, comparison=other.comparison | {"selected": moved})
    assert words not in basis_in_words(conclude([one, other], "resnet8"))


def test_draws_that_differ_much_more_than_test_samples_are_blamed(made):
    """Differences of 1, 100 and 400 of 1000 test samples."""
    runs = [
        made({"selected": target([num, num], 0.9, 1), "random": target([500, 500], 0.9, 1)})
        for num in (501, 600, 900)
    ]
    [entry] = conclude(runs, "resnet8").against.values()
    assert entry.source == "rows"
    assert entry.share > 0.9
