"""A linear model over hashed words and pairs of words. W words, D documents, F weights (a power of two)."""

import numpy as np

from fournil.parts.text.kernels.compile import kernel
from fournil.parts.text.kernels.lm_costs import MIX_1, MIX_2, OLDER


@kernel
def hashed_features(hashes_W: np.ndarray, num_weights: int, out_W2: np.ndarray) -> None:
    """For each word the weight of the word and that of the word with the one before it.

    Args:
        hashes_W: uint64; 0 ends a paragraph and has no features.
        num_weights: a power of two.
        out_W2: uint32 (words, 2); num_weights stands for no feature.
    """
    mask, shift, zero = np.uint64(num_weights - 1), np.uint64(33), np.uint64(0)
    mix_1, mix_2, older = np.uint64(MIX_1), np.uint64(MIX_2), np.uint64(OLDER)
    before = zero
    for w in range(len(hashes_W)):
        this = hashes_W[w]
        for which in range(2):
            if this == zero or (which == 1 and before == zero):
                out_W2[w, which] = num_weights
                continue
            key = this if which == 0 else this ^ (before * older)
            key ^= key >> shift
            key *= mix_1
            key ^= key >> shift
            key *= mix_2
            key ^= key >> shift
            out_W2[w, which] = key & mask
        before = this


@kernel
def linear_scores(features_W2: np.ndarray, first_D: np.ndarray, weights_F: np.ndarray, out_D: np.ndarray) -> None:
    """The mean weight (float64) of each document's features; 0 for a document without any.

    Args:
        features_W2: uint32, see `hashed_features`.
        first_D: int64, the words of document d are first_D[d] to first_D[d + 1].
        weights_F: float32.
        out_D: float64.
    """
    for d in range(len(first_D) - 1):
        total, num = 0.0, 0
        for w in range(first_D[d], first_D[d + 1]):
            for which in range(2):
                feature = features_W2[w, which]
                if feature < len(weights_F):
                    total += np.float64(weights_F[feature])
                    num += 1
        out_D[d] = total / num if num else 0.0


@kernel
def linear_epoch(
    features_W2: np.ndarray,
    first_D: np.ndarray,
    order_D: np.ndarray,
    labels_D: np.ndarray,
    importance_D: np.ndarray,
    rate: float,
    weights_F: np.ndarray,
    squares_F: np.ndarray,
    bias: np.ndarray,
) -> float:
    """Go once through documents that are labelled: logistic regression, AdaGrad (Duchi et al. 2011).

    Args:
        features_W2: uint32, see `hashed_features`.
        first_D: int64, the words of document d are first_D[d] to first_D[d + 1].
        order_D: int64, the documents in the order in which they are seen.
        labels_D: float64, 0 or 1.
        importance_D: float64, what each document weighs.
        rate: of learning.
        weights_F: float64, changed in place.
        squares_F: float64, sums of squared gradients, changed in place.
        bias: float64, its value and its sum of squared gradients.

    Returns:
        The mean loss before each step, in nats.
    """
    loss, weight = 0.0, 0.0
    for place in range(len(order_D)):
        d = order_D[place]
        total, num = 0.0, 0
        for w in range(first_D[d], first_D[d + 1]):
            for which in range(2):
                feature = features_W2[w, which]
                if feature < len(weights_F):
                    total += weights_F[feature]
                    num += 1
        if num == 0:
            continue
        margin = total / num + bias[0]
        signed = margin if labels_D[d] > 0.5 else -margin
        loss += importance_D[d] * (np.log1p(np.exp(-signed)) if signed > -30 else -signed)
        weight += importance_D[d]
        error = importance_D[d] * (1.0 / (1.0 + np.exp(-margin)) - labels_D[d])
        bias[1] += error * error
        bias[0] -= rate * error / np.sqrt(bias[1] + 1e-12)
        slope = error / num
        for w in range(first_D[d], first_D[d + 1]):
            for which in range(2):
                feature = features_W2[w, which]
                if feature < len(weights_F):
                    squares_F[feature] += slope * slope
                    weights_F[feature] -= rate * slope / np.sqrt(squares_F[feature] + 1e-12)
    return float(loss / max(weight, 1e-12))
