"""Select: which samples may make the round's new subset?

A growing round keeps the subset and appends the best of the rest; a shrinking one keeps the best of
the subset. What is best is a rule: the highest scores (`top`), those behind the highest (`window`),
all but these in strata (`stratified`), a draw in proportion to them (`proportional`), one of unsure
samples that are as hard as the budget allows (`beta`), those most like all that are unsure
(`uncertainty_herding`), hard ones that are not each other's neighbours (`message_passing`), or,
without scores, the candidates farthest from the subset (`k_centers`) or most like all others
(`facility_location`), near to or far from the mean of their class (`prototypes`, `moderate`), or of
the classes that the ensemble knows least (`class_quotas`); `mixed` has a share at random and the
rest by another rule.

The order is the rule's own, before the shares of the classes and the include list have their say.
Outliers and excluded samples are no candidates, and with `select.near_duplicates: one` a group of
near duplicates has its first one in the rule's order alone, or none where the subset holds one.
With `select.order: all` it holds every candidate; with `picks` it may end where the rule had to go
no further: the greedy rules of features stop at the last pick that is needed.

Reads   data/prepared/train/          sample_ids.csv, targets.npy int64 [N]
        data/signals/<from>/          votes_MN.npy int16 [M, N], for all_voters_disagree
                                      features_ND.npy float32 [N, D], for the rules of distance;
                                      predict_pool.signals must hold features
                                      label_probability_N.npy float32 [N], for beta where the
                                      members did not train on every candidate
                                      validation_predicted_V.npy int16 [V], for class_quotas
        data/prepared/validation/     targets.npy int64 [V], for class_quotas
        data/dynamics/<from>/         row_R.npy, label_probability_MR.npy, for beta elsewhere
        data/scores/<from>/           score_N.npy float64 [N]
        data/subsets/<from>.csv       what the ensemble was trained on
        data/near_duplicates/train/   group_N.npy int64 [N], for near_duplicates: one
        lists/{include,exclude}.csv   the user's sample ids
Writes  data/proposals/<to>/          a proposal for each entrant of the race, or one by the rule:
            <name>.csv                index, round, score; one row for each pick, in that order
            random-<i>.csv            where there are entrants: plain random subsets of that size
            held_out.npy, judged/<name>.csv   with race.holdout: int64 [H], the rows that no
                                      proposal in judged/ holds, nor a random subset
        data/orders/<to>.npy          int64 [K], rows of the candidates as select.rule prefers them
Params  select.rule                   the name of a file in rules/
        select.{window,stratified,mixed,beta,prototypes,message_passing,k_centers_start,order,
        candidates,outliers,near_duplicates,balanced,min_per_class,include,exclude},
        race.{entrants,holdout,judges,random}, random_seed,
        seed_subset.random_seed (of ties and random starts)
"""
