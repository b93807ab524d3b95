"""A model for lm_eval that answers at once, and never twice the same to different questions."""

import zlib

from lm_eval.api.model import LM


class TinyLM(LM):
    """Log-likelihoods are a hash of the words, answers are cut from the prompt: pure functions of the request."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list = []

    def loglikelihood(self, requests, disable_tqdm=False):
        self.asked += [request.args for request in requests]
        values = [-(zlib.crc32("\0".join(request.args).encode()) % 9973) / 97 for request in requests]
        return [(value, value > -20) for value in values]

    def loglikelihood_rolling(self, requests, disable_tqdm=False):
        self.asked += [request.args for request in requests]
        return [-(zlib.crc32(request.args[0].encode()) % 9973) / 7 for request in requests]

    def generate_until(self, requests, disable_tqdm=False):
        self.asked += [request.args for request in requests]
        answers = []
        for request in requests:
            words = request.args[0].split()
            start = zlib.crc32(request.args[0].encode()) % max(len(words) - 6, 1)
            answers.append(" " + " ".join(words[start : start + 6]))
        return answers
