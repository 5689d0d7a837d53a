"""Select: which samples make the round's new subset?

A growing round keeps the subset and appends the best-scored of the rest; a shrinking one keeps the
best-scored of the subset.

Reads   data/prepared/train/          sample_ids.csv, targets.npy int64 [N]
        data/signals/<from>/          votes_MN.npy int16 [M, N], for all_voters_disagree
        data/scores/<from>/           score_N.npy float64 [N]
        data/subsets/<from>.csv       what the ensemble was trained on
        lists/{include,exclude}.csv   the user's sample ids
Writes  data/subsets/<to>.csv         index, round, score; one row for each pick, in that order
Params  select.rule                   a name in RULES of rules.py
        select.{candidates,outliers,balanced,min_per_class,include,exclude}, random_seed
"""
