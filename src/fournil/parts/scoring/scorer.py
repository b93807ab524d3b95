"""The face of scoring: texts in, log-likelihoods and written answers out, whatever the architecture."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.model.engine import Engine, OwnEngine, TransformersEngine, open_model
from fournil.parts.model.generate import GREEDY, Sampling
from fournil.parts.scoring import llama, plain, ranks
from fournil.parts.scoring.encoding import Encoder
from fournil.parts.scoring.requests import Prompt, Request, Scored, Written
from fournil.parts.scoring.stops import Ending, cut
from fournil.parts.scoring.writing import write

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}
"""Names of what weights and sums may be."""

Advance = Callable[[int], None]


def open_scorer(
    folder: Path, *, device: str = "cpu", precision: str = "fp32", threads: int = 0, max_tokens: int = 0
) -> Scorer:
    """Load a model folder for scoring; under torchrun, in every process.

    Args:
        folder: In the Hugging Face layout.
        device: `cpu` or `cuda`.
        precision: `fp32`, which the published scores of others are comparable with, or `bf16`.
        threads: For arithmetic (0: leave as it is).
        max_tokens: See Scorer.

    Raises:
        FournilError: The model cannot be loaded, or there is no such precision.
    """
    if precision not in PRECISIONS:
        names = ", ".join(PRECISIONS)
        raise FournilError(tr("no precision {name!r}", name=precision), fix=tr("Precisions: {names}.", names=names))
    if threads:
        torch.set_num_threads(threads)
    job = ranks.Open(Path(folder), device, precision, max_tokens)
    if ranks.num_ranks() == 1:
        return _open_here(job)
    ranks.join()
    ranks.ask(job)
    try:
        scorer: Scorer | FournilError = _open_here(job)
    except Exception as error:  # the others have answered, and wait for this
        scorer = ranks.as_answer(error)
    ranks.gather(scorer if isinstance(scorer, FournilError) else None)
    assert isinstance(scorer, Scorer)
    return scorer


def follow() -> None:
    """Help another process to score until it is done; see `fournil.parts.scoring.ranks`."""
    ranks.follow(_open_here)


def _open_here(job: ranks.Open) -> Scorer:
    engine = open_model(job.folder, device=ranks.device_here(job.device), dtype=PRECISIONS[job.precision])
    return Scorer(engine, job.folder, max_tokens=job.max_tokens)


class Scorer:
    """A model that is asked how likely texts are, and to write on.

    Args:
        engine: The model, loaded.
        folder: Where it was loaded from; its tokenizer's settings are read there.
        max_tokens: Of one pass, about (0: as suits the device). Scores depend on it in the last bits of sums only.
    """

    def __init__(self, engine: Engine, folder: Path, *, max_tokens: int = 0) -> None:
        self.engine = engine
        self.folder = Path(folder)
        self.encoder = Encoder(engine.tokenizer, self.folder, engine.context_length, engine.start_id)
        self.max_tokens = max_tokens or llama.pass_tokens(engine.device)

    def log_likelihoods(self, pairs: Sequence[tuple[str, str]], advance: Advance | None = None) -> list[Scored]:
        """How likely each continuation is behind its context.

        Args:
            pairs: (context, continuation); behind an empty context stands what begins a text.
            advance: Called with numbers of pairs finished.

        Raises:
            FournilError: A continuation has no tokens or too many, or the model answers NaN.
        """
        requests = self.encoder.pairs(pairs)
        values, greedy = self._score(requests, advance)
        return [
            Scored(float(value), bool(best), request.truncated, request.uneven, len(request.targets))
            for value, best, request in zip(values, greedy, requests, strict=True)
        ]

    def rolling(self, texts: Sequence[str], advance: Advance | None = None) -> list[float]:
        """The log-likelihood of each whole text, in nats: windows side by side, each token predicted once.

        Args:
            texts: An empty one is certain (0).
            advance: Called with numbers of texts finished.

        Raises:
            FournilError: The model answers NaN.
        """
        requests: list[Request] = []
        owners: list[int] = []
        for number, text in enumerate(texts):
            windows = list(self.encoder.rolling(text))
            requests += windows
            owners += [number] * len(windows)
        values, _ = self._score(requests, advance and _by_texts(advance, len(texts), len(requests)))
        sums = np.zeros(len(texts))
        np.add.at(sums, np.array(owners, dtype=np.int64), values)
        if advance is not None and not requests:
            advance(len(texts))
        return sums.tolist()

    def generate(
        self,
        prompts: Sequence[str],
        *,
        stops: Sequence[Sequence[str]],
        max_new_tokens: int | Sequence[int],
        advance: Advance | None = None,
        sampling: Sampling = GREEDY,
    ) -> list[Written]:
        """Write on from each prompt.

        Args:
            prompts: Texts.
            stops: For each, the strings that end its answer; what ends a text ends it too.
            max_new_tokens: The most tokens to write, for all or for each.
            advance: Called with numbers of prompts finished.
            sampling: Greedy or sampled.
        """
        limits = [max_new_tokens] * len(prompts) if isinstance(max_new_tokens, int) else list(max_new_tokens)
        ends = [[*stop, self.encoder.eos] for stop in stops]
        encoded = self.encoder.prompts(prompts, ends, limits)
        return [
            Written(cut(self._decode(ids), prompt.stops), len(ids), prompt.truncated)
            for ids, prompt in zip(self._write(encoded, sampling, advance), encoded, strict=True)
        ]

    def _decode(self, ids: Sequence[int]) -> str:
        return self.engine.tokenizer.decode(list(ids), skip_special_tokens=True)

    def _score(self, requests: Sequence[Request], advance: Advance | None) -> tuple[np.ndarray, np.ndarray]:
        num = ranks.num_ranks()
        if num == 1:
            return self.score_here(requests, advance)
        ranks.ask(ranks.Score(requests))
        answers = ranks.gather(
            _answer(lambda: self.score_here(requests[ranks.share_of_requests(requests, 0, num)], None))
        )
        if advance is not None:
            advance(len(requests))
        values, greedy = zip(*answers, strict=True)
        return np.concatenate(values), np.concatenate(greedy)

    def score_here(self, requests: Sequence[Request], advance: Advance | None) -> tuple[np.ndarray, np.ndarray]:
        """Log-likelihoods and whether they are greedy, by this process alone."""
        if isinstance(self.engine, OwnEngine):
            return llama.score(self.engine.model, requests, max_tokens=self.max_tokens, advance=advance)
        assert isinstance(self.engine, TransformersEngine)
        return plain.score(self.engine, requests, max_tokens=self.max_tokens, advance=advance)

    def _write(self, prompts: Sequence[Prompt], sampling: Sampling, advance: Advance | None) -> list[list[int]]:
        num = ranks.num_ranks()
        if num == 1:
            return self.write_here(prompts, sampling, advance)
        ranks.ask(ranks.Write(prompts, sampling))
        answers = ranks.gather(
            _answer(lambda: self.write_here(prompts[ranks.share_of_prompts(0, num)], sampling, None))
        )
        if advance is not None:
            advance(len(prompts))
        written: list[list[int]] = [[] for _ in prompts]
        for rank, answer in enumerate(answers):
            written[ranks.share_of_prompts(rank, num)] = answer
        return written

    def write_here(self, prompts: Sequence[Prompt], sampling: Sampling, advance: Advance | None) -> list[list[int]]:
        """New ids behind each prompt, by this process alone."""
        if isinstance(self.engine, OwnEngine):
            return write(
                self.engine.model,
                self.engine.tokenizer,
                prompts,
                stop_ids=self.encoder.stop_ids,
                sampling=sampling,
                max_tokens=self.max_tokens,
                advance=advance,
            )
        written = []
        for prompt in prompts:
            ending, ids = Ending(self.engine.tokenizer, prompt.stops), []
            for token in self.engine.stream(
                prompt.ids.tolist(),
                stop_ids=self.encoder.stop_ids,
                max_new_tokens=prompt.max_new_tokens,
                sampling=sampling,
            ):
                ids.append(token)
                if ending.reached(ids):
                    break
            written.append(ids)
            if advance is not None:
                advance(1)
        return written


def _answer(work: Callable[[], object]) -> object:
    """What this process's share gives; an error waits until the others have answered too."""
    try:
        return work()
    except Exception as error:
        return ranks.as_answer(error)


def _by_texts(advance: Advance, num_texts: int, num_windows: int) -> Advance:
    """Tell of windows as of the texts that they are of, on the average."""
    done = told = 0

    def tell(num: int) -> None:
        nonlocal done, told
        done += num
        reached = done * num_texts // num_windows
        if reached > told:
            advance(reached - told)
            told = reached

    return tell
