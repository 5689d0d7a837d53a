"""Race: which proposal becomes the round's subset?

Judges are small trainings of `race.judge` on each proposal, by `race.recipe`, and always from
scratch. Beside each there are `race.random` plain random subsets. The judges' last weights are
measured by `report.metric` on validation and on what `race.holdout` keeps out, never on test; then
a rule decides (rule.py). Without entrants the only proposal is taken as it is, and nothing trained.

A judge is a member like any other: it is found finished, goes on after a kill, and runs on a
cluster. Judge j of all proposals has the same random streams, and no target has them: the target of
the winner would otherwise owe some of its accuracy to having been chosen.

Reads   data/prepared/                meta.json, train/, validation/
        data/proposals/<to>/          what select proposes
Writes  data/subsets/<to>.csv         the winner's proposal
        data/races/<to>.json          who won, by how much, and how far it could see
        data/races/<to>.csv           proposal, judge, score; one row for each judge
Params  race, train_subset_model, and of train_ensemble what a recipe is (race.recipe)
                                      how judges are trained
        report.metric, evaluate.{batch_size,views}   how they are measured
        select.rule, random_seed
"""
