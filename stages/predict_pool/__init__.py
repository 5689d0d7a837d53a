"""Predict pool: what the ensemble says of every train sample, reduced to signals.

Reads   data/prepared/             train and validation splits, meta.json
        data/ensembles/<from>/     weights and model.json
Writes  data/signals/<from>/       over the whole train split, N samples:
          votes_MN.npy             int16 [M, N], the class that each voter votes for
          voters.csv               which checkpoint stands in which row of votes_MN
          predicted_class_N.npy    int16, by the mean probability of the voters
          predictive_entropy_N.npy, expected_entropy_N.npy   float32, nats
          confidence_N.npy, margin_N.npy, label_probability_N.npy   float32, of the mean probability
          voter_entropy_MS.npy     float32 [M, S], each voter's own entropy on S samples
          sampled_S.npy            int64, those samples, at most 10,000
          validation_votes_MV.npy, validation_predicted_V.npy   int16, on the validation split
          validation.json          accuracy of ensemble and voters on it; FLOPs of the voters
        and where predict_pool.signals names them:
          features_ND.npy          float32 [N, D], what the first voter's last layer reads
          gradient_norm_N.npy      float32, norm of the gradient of each sample's loss, mean over
                                   the voters; predict_pool.gradient_norm says which norm
          gradient_batches.csv     with it: in 100 random mini-batches of the training's size, the
                                   sum of the norms and the norm of the sum, of the first voter
Params  random_seed, predict_pool, train_ensemble.batch_size

Where objects are detected, the acquisition functions are applied to each position and class here:
instead of the votes, entropies and what follows from the probabilities there are
          <acquisition>_<reduction>_N.npy   float32, of entropy, error_count, mutual_information
                                   and variation_ratios by max, mean and top_k_mean
          heat_rows_<acquisition>_K.npy, heat_maps_<acquisition>_KCHW.npy   int64 and float16, the
                                   8 images that it scores highest by max, and their maps
and voter_entropy_MS is the largest of an image; accuracy is the F1 of positions.

The probabilities of all voters, [M, N, C], are never stored: memory and disk do not grow with
voters x samples x classes.
"""
