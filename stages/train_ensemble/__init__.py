"""Train ensemble: the models that choose, each from its own random start.

Reads   data/prepared/            train and validation splits, meta.json
        data/subsets/<from>.csv   the picks to train on; a pick that stands twice is drawn twice
Writes  data/ensembles/<from>/    member-00/epoch-0040.safetensors, ..., and model.json
        data/histories/ensemble-<from>.csv   one row for each member and epoch
        data/dynamics/<from>/     of the R distinct samples of the subset, as they were drawn:
          row_R.npy               int64, rows of the train split, rising
          forgetting_events_MR.npy   int32 [M, R], how often right turned into wrong
          aum_MR.npy, el2n_MR.npy    float32 [M, R], area under the margin, error length
          label_probability_MR.npy, dual_MR.npy   float32 [M, R], mean probability of the label, and
                                  its spread over ten epochs times what it lacks
          sampled_S.npy           int64, at most 10,000 of these rows, and for each kept epoch of
                                  each member:
          kept_member_E.npy, kept_epoch_E.npy   int64, by member and epoch
          kept_events_ES.npy      int32 [E, S], forgetting events up to the end of that epoch
          tracked_row_S.npy, tracked_gradient_norm_MES.npy   with train_ensemble.track alone: int64,
                                  at most 512 samples of the subset, and float32 [M, E + 1, S],
                                  gradient norms before the training and after each epoch; NaN after
                                  a member's last epoch; their passes are not in the history's flops
Params  random_seed, train_ensemble
"""
