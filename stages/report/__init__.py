"""Report: was the subset worth the search? A few numbers, tables and pictures.

Its rooms use those before them alone: `formulas` know nothing of a run, `run` reads what came out,
`samples` and `numbers` say what that shows, `words` and `pictures` tell it, `page` has all of it.

Reads only files that params.yaml names, for every `from` and `to` of `rounds`, every <model> and
<subset> of `compare` (a folder may hold files of an earlier params.yaml):
        data/prepared/                meta.json, train/{inputs,targets,box*}.npy,
                                      train/sample_ids.csv, validation/{targets.npy,sample_ids.csv}
        data/subsets/<size>.csv       seed subset and the subset of each round
        data/signals/<from>/          voters.csv, votes_MN.npy, predicted_class_N.npy,
                                      confidence_N.npy, label_probability_N.npy, validation.json,
                                      validation_{votes_MV,predicted_V}.npy; features_ND.npy and
                                      gradient_batches.csv where predict_pool.signals names
                                      features and gradient_norm;
                                      heat_{rows,maps}_<acquisition>_*.npy where there are some
        data/scores/<from>/           score_N.npy, {acquisitions,voters,reference,forgetting}.csv
        data/dynamics/<from>/         what was learnt, and how surely; tracked_{row_S,
                                      gradient_norm_MES}.npy where train_ensemble.track names them
        data/histories/               ensemble-<from>.csv, <model>-<subset>.csv
        data/comparison/<subset>.csv  what the target models were trained on
        data/evaluation/<model>-<subset>/   metrics.json, values/<metric>.npy
        data/races/<to>/              who won each race, and by how much
        data/near_duplicates/         found.json, groups.csv, blank.csv
        lists/exclude.csv             the user's sample ids that no subset holds
Writes  metrics/summary.json          at most 6 numbers for one target model
        metrics/verdict.txt           what to do and what to run next, a table, and the details
                                      of target models, races and how much data is needed
        plots/tables/                 what DVC plots, CSV; accuracies are points from 0 to 100
            accuracy/<model>.csv      by subset size
            validation_by_epoch/<model>.csv, validation_by_images/<model>.csv
            consensus/<from>.csv      how often voters agree on unselected samples
            class_shares.csv          in percent of the picks, or of the objects in them
            rounds.csv duplicates.csv costs.csv
            differences.csv           selected minus the others, with paired 95 % intervals
            race.csv                  how each entrant of each race was judged
            how_much_data/<model>.csv  its learning curve on validation, with a band
            metrics.csv               every metric of every target, mean and sd over its members
            speedups.csv              FLOPs by budget, against the target as its own proxy and
                                      everything (SVP, Tables 1, 2); seconds stand in no output,
                                      they are printed, as by `python -m commands.costs`
            correlations/<from>.csv   between acquisition functions' scores (SVP, Fig. 3, 13)
            voter_correlations/<from>.csv, round_correlations.csv
            reference_correlations/<from>.csv   with a reference list, by epoch (SVP, Fig. 12)
            forgetting_correlations/<from>.csv  the same of forgetting events so far (SVP, Fig. 11)
            label_entropy/<from>.csv  of the k highest-scored (Vodrahalli et al., Fig. 7, 12)
            gradient_batches/<from>.csv   sum of norms and norm of sum (the same, Fig. 1)
                                      a table exists where there is something to say
        plots/images/                 the same as pictures, PNG, and without a table:
            gradient_history/<from>.png   tracked gradient norms by epoch (the same, Fig. 2, 5)
            <samples>_by_score/<from>.png   highest, middle, lowest (the same, Fig. 4, 10, 11);
                                      the task names its samples: images, scenes or texts
            <samples>_by_choice/<from>.png  selected, skipped, dropped
            heat_maps/<from>.png      of objects: where each class is uncertain (Chitta et al. 2020,
                                      Fig. 2)
        plots/report.html             all of it as one page, without anything from elsewhere
        plots/suspects.csv            blanks, copies with several labels, likely label errors and
                                      outliers, a list for select.exclude
Params  acquisition, compare, evaluate.ensembles, predict_pool.signals, race, random_seed, report,
        rounds, seed_size, seed_subset.random_seed, select.{candidates,exclude,outliers},
        train_ensemble.{model,track},
        train_subset_model.{batch_size,length,schedule.name,stop_after,validations}
"""
