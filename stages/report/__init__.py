"""Report: was the subset worth the search? A few numbers, tables and pictures.

Reads only files that params.yaml names, for every `from` and `to` of `rounds`, every <model> and
<subset> of `compare` (a folder may hold files of an earlier params.yaml):
        data/prepared/                meta.json, train/targets.npy, validation/targets.npy
        data/subsets/<size>.csv       seed subset and the subset of each round
        data/signals/<from>/          voters.csv, votes_MN.npy, predicted_class_N.npy,
                                      validation.json, validation_votes_MV.npy,
                                      validation_predicted_V.npy
        data/histories/               ensemble-<from>.csv, <model>-<subset>.csv
        data/comparison/<subset>.csv  what the target models were trained on
        data/evaluation/<model>-<subset>/   metrics.json, correct_MT.npy
Writes  metrics/summary.json          at most 16 numbers for one target model
        plots/tables/                 what DVC plots, CSV; accuracies are points from 0 to 100
            accuracy/<model>.csv      by subset size
            validation_by_epoch/<model>.csv, validation_by_images/<model>.csv
            consensus/<from>.csv      how often voters agree on unselected samples
            class_shares.csv          in percent of the picks
            rounds.csv duplicates.csv costs.csv
        plots/images/                 the same as pictures, PNG
Params  acquisition, compare, report, rounds, seed_size,
        train_subset_model.length, train_subset_model.stop_after
"""
