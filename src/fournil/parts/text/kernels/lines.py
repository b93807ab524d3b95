"""The language of each line, from its function words and from the lines around it.

Suffixes: D documents, L lines, N languages, M those and one more class of words, of all other languages.
"""

import numpy as np

from fournil.parts.text.kernels.compile import kernel

UNDECIDED = -1
"""The label of lines of a document in which no line speaks for itself."""


@kernel
def label_lines(
    counts_LM: np.ndarray,
    bounds_L: np.ndarray,
    lines_D: np.ndarray,
    num: int,
    strong: int,
    label_L: np.ndarray,
    words_DN: np.ndarray,
    mixing_D: np.ndarray,
    decided_L: np.ndarray,
) -> None:
    """Label lines.

    Args:
        counts_LM: int32, function words of each line.
        bounds_L: int64, where lines begin and the last one ends, in bytes.
        lines_D: int64, document d has lines lines_D[d]:lines_D[d + 1].
        num: How many of the classes are languages.
        strong: A line with so many function words of a language speaks for itself.
        label_L: int8, filled with the number of each line's language.
        words_DN: int64, zeros; gets the function words of each language in the lines that are its own.
        mixing_D: int64, zeros; gets the bytes of lines that hold words of two languages.
        decided_L: bool, scratch.
    """
    for document in range(len(lines_D) - 1):
        first, stop = lines_D[document], lines_D[document + 1]
        # Where no line is strong, as in a poem of short verses, the weak ones have to do.
        any_strong = False
        for line in range(first, stop):
            best, most, second, all_most, all_second = 0, np.int32(0), np.int32(0), np.int32(0), np.int32(0)
            for number in range(counts_LM.shape[1]):
                count = counts_LM[line, number]
                all_second = max(all_second, min(all_most, count))
                all_most = max(all_most, count)
                if number < num:
                    best = number if count > most else best
                    second = max(second, min(most, count))
                    most = max(most, count)
            label_L[line] = best
            decided_L[line] = most > 0 and most >= 2 * all_second
            any_strong |= decided_L[line] and most >= strong
            if second >= strong and 3 * second >= most:
                mixing_D[document] += bounds_L[line + 1] - bounds_L[line]
        label = np.int8(UNDECIDED)
        for line in range(first, stop):
            own = counts_LM[line, label_L[line]]
            decided_L[line] &= own >= strong or not any_strong
            if decided_L[line]:
                words_DN[document, label_L[line]] += own
                if label == UNDECIDED:
                    label_L[first:line] = label_L[line]
                label = label_L[line]
            else:
                label_L[line] = label
