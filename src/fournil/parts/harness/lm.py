"""Our scorer as a model of lm-evaluation-harness: `--model fournil` there."""

from __future__ import annotations

import hashlib
import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from lm_eval.api.model import LM
from lm_eval.api.registry import model_registry
from tqdm import tqdm

from fournil.core.errors import EXIT_USAGE, FournilError, nearest
from fournil.core.speech import tr
from fournil.parts.harness.result import Note
from fournil.parts.model.generate import Sampling
from fournil.parts.model.resolve import model_folder
from fournil.parts.scoring import Scorer, open_scorer

if TYPE_CHECKING:
    from lm_eval.api.instance import Instance

NAME = "fournil"
MAX_NEW_TOKENS = 256
"""What a task that names no limit gets, as from the reference."""

_PRECISIONS = {"fp32": "fp32", "float32": "fp32", "bf16": "bf16", "bfloat16": "bf16"}
_LIMITS = ("max_gen_toks", "max_new_tokens", "max_tokens", "max_completion_tokens")
_SAMPLING = ("do_sample", "temperature", "top_p")
_IDLE = {"num_beams": 1, "repetition_penalty": 1.0, "length_penalty": None, "early_stopping": None, "use_cache": None}
"""Settings that change nothing, at this value or at any."""
_IDLE_WHEN_GREEDY = ("top_k", "typical_p", "min_p")

_log = logging.getLogger(__name__)
Answer = TypeVar("Answer")


class FournilLM(LM):
    """A model of lm-evaluation-harness that our scorer answers for.

    Args:
        pretrained: A run, a model folder, or a name on the hub, `owner/name` or `owner/name@revision`.
        device: `cpu`, or a CUDA device; the CPU where there is none, as the reference decides.
        precision: `fp32` or `bf16`.
        dtype: The reference's word for it: `float32` or `bfloat16`.
        threads: For the CPU; as many as torch has, when silent.
        max_gen_toks: The most tokens of an answer for which a task names no limit.
        batch_size: Taken because the harness gives one to every model. Nothing depends on it.
        max_batch_size: Likewise.
        scorer: One that is open already, instead of all the above.
        settings: Anything else is refused.

    Raises:
        FournilError: The model cannot be opened, or there is no such setting.
    """

    def __init__(
        self,
        pretrained: str = "",
        *,
        device: str | None = None,
        precision: str | None = None,
        dtype: str | None = None,
        threads: int | None = None,
        max_gen_toks: int = MAX_NEW_TOKENS,
        batch_size: int | str | None = None,
        max_batch_size: int | None = None,
        scorer: Scorer | None = None,
        **settings: object,
    ) -> None:
        super().__init__()
        known = ("pretrained", "device", "precision", "dtype", "threads", "max_gen_toks")
        for name in settings:
            close = nearest(name, known)
            listed = tr("Settings: {names}.", names=", ".join(known))
            raise FournilError(
                tr("the model `fournil` has no setting {name!r}", name=name),
                fix=tr("Did you mean {name}?", name=close) if close else listed,
                code=EXIT_USAGE,
            )
        self.scorer = scorer or _open(pretrained, device, precision or dtype or "fp32", threads)
        self._device = self.scorer.engine.device
        self.max_gen_toks = int(max_gen_toks)
        self.notes: list[Note] = []
        """Of the last call, in the order of its requests."""
        self.advance: Callable[[int], None] | None = None
        """Told how many requests are finished, in place of a bar."""

    @property
    def max_length(self) -> int:
        """The most tokens that the model reads."""
        return self.scorer.engine.context_length

    def loglikelihood(self, requests: list[Instance], disable_tqdm: bool = False) -> list[tuple[float, bool]]:
        """The log-likelihood of each continuation behind its context, and whether greedy decoding writes it."""
        pairs = _arguments(requests)
        with self._told(len(pairs), tr("Scoring answers"), disable_tqdm) as advance:
            scored = self.scorer.log_likelihoods(pairs, advance)
        self.notes = [Note(one.truncated, one.uneven) for one in scored]
        return self._kept("loglikelihood", pairs, [(one.value, one.greedy) for one in scored])

    def loglikelihood_rolling(self, requests: list[Instance], disable_tqdm: bool = False) -> list[float]:
        """The log-likelihood of each text from its first token on."""
        arguments = _arguments(requests)
        with self._told(len(arguments), tr("Scoring texts"), disable_tqdm) as advance:
            values = self.scorer.rolling([text for (text,) in arguments], advance)
        self.notes = [Note() for _ in arguments]
        return self._kept("loglikelihood_rolling", arguments, values)

    def generate_until(self, requests: list[Instance], disable_tqdm: bool = False) -> list[str]:
        """What the model writes behind each context, up to the first stop string.

        Sampled answers to the same prompt, such as a task's repeats, differ; the same call gives the same ones.

        Raises:
            FournilError: A task asks for a way to generate that we do not have.
        """
        arguments = _arguments(requests)
        wanted = [_Generation.read(settings, self.max_gen_toks) for _, settings in arguments]
        seen: dict[tuple[str, _Generation], int] = defaultdict(int)
        groups: dict[Sampling, list[int]] = defaultdict(list)
        for number, ((context, _), generation) in enumerate(zip(arguments, wanted, strict=True)):
            groups[generation.sampling(seen[context, generation])].append(number)
            seen[context, generation] += 1
        texts, notes = [""] * len(requests), [Note()] * len(requests)
        with self._told(len(requests), tr("Writing answers"), disable_tqdm) as advance:
            for sampling, members in groups.items():
                written = self.scorer.generate(
                    [arguments[member][0] for member in members],
                    stops=[wanted[member].stops for member in members],
                    max_new_tokens=[wanted[member].max_new_tokens for member in members],
                    advance=advance,
                    sampling=sampling,
                )
                for member, one in zip(members, written, strict=True):
                    texts[member], notes[member] = one.text, Note(one.truncated)
        self.notes = notes
        return self._kept("generate_until", arguments, texts)

    @contextmanager
    def _told(self, total: int, title: str, disable: bool) -> Iterator[Callable[[int], None]]:
        """Whom to tell what is finished: a bar on a terminal, unless somebody else listens."""
        if self.advance is not None:
            yield self.advance
            return
        with tqdm(total=total, desc=title, disable=disable or None) as bar:

            def advance(finished: int) -> None:
                bar.update(finished)

            yield advance

    def _kept(self, kind: str, arguments: Sequence[tuple[Any, ...]], answers: list[Answer]) -> list[Answer]:
        """Hand answers to the harness's cache."""
        for argument, answer in zip(arguments, answers, strict=True):
            self.cache_hook.add_partial(kind, argument, answer)
        return answers

    def apply_chat_template(self, chat_history: list[dict[str, str]], add_generation_prompt: bool = True) -> str:
        """The text of a chat by the model's own template; without its system message where the template refuses one.

        Raises:
            FournilError: The model has no chat template, or it refuses these messages.
        """
        chat = self.scorer.engine.chat
        if chat is None:
            raise FournilError(
                tr("this model has no chat template"),
                fix=tr("Leave --apply_chat_template out, or take another model."),
            )
        try:
            text = chat.render(chat_history, add_generation_prompt=add_generation_prompt)
        except FournilError:
            others = [message for message in chat_history if message["role"] != "system"]
            if len(others) == len(chat_history):
                raise
            text = chat.render(others, add_generation_prompt=add_generation_prompt)
        if add_generation_prompt:
            return text
        last = chat_history[-1]["content"].lstrip()
        start = text.rindex(last.rstrip())  # templates may strip what a message ends with
        return text[:start] + (last if text.startswith(last, start) else last.rstrip())

    def chat_template(self, chat_template: bool | str = False) -> str | None:
        """The model's template, or nothing."""
        chat = self.scorer.engine.chat
        return chat.template if chat is not None and chat_template else None

    @property
    def tokenizer_name(self) -> str:
        """Tells the requests of different models apart in the harness's cache of prompts."""
        chat = self.scorer.engine.chat
        return f"{NAME}-{hashlib.sha256((chat.template if chat else '').encode()).hexdigest()[:16]}"

    def get_model_info(self) -> dict[str, Any]:
        """What the harness's results say of the model."""
        parameters = list(getattr(self.scorer.engine, "model").parameters())  # noqa: B009 - each engine has one
        return {
            "model_num_parameters": sum(parameter.numel() for parameter in parameters),
            "model_dtype": str(parameters[0].dtype),
            "model_engine": self.scorer.engine.kind,
        }


def register() -> None:
    """Make `fournil` a model of lm_eval; it is imported when first asked for."""
    if NAME not in model_registry:
        model_registry.register(NAME, target=FournilLM)


@dataclass(frozen=True)
class _Generation:
    """How a task wants its answers written."""

    stops: tuple[str, ...]
    max_new_tokens: int
    temperature: float
    top_p: float

    @staticmethod
    def read(settings: Mapping[str, Any], max_new_tokens: int) -> _Generation:
        """Read a task's `generation_kwargs` as the reference does; what would change an answer unseen is refused."""
        stops = settings.get("until") or []
        limits = [settings[name] for name in _LIMITS if settings.get(name) is not None]
        temperature = float(settings.get("temperature") or 0.0)
        samples = settings.get("do_sample")
        samples = temperature > 0 if samples is None else samples
        if samples and temperature <= 0:
            raise FournilError(
                tr("a task samples its answers at temperature 0"),
                fix=tr("Give `do_sample: false`, or a temperature above 0."),
            )
        for name, value in settings.items():
            if name in ("until", *_LIMITS, *_SAMPLING) or (not samples and name in _IDLE_WHEN_GREEDY):
                continue
            if name not in _IDLE or _IDLE[name] not in (None, value):
                raise FournilError(
                    tr("answers cannot be written with {name}={value!r}", name=name, value=value),
                    fix=tr("Leave it out of the task's generation_kwargs."),
                )
        return _Generation(
            (stops,) if isinstance(stops, str) else tuple(stops),
            int(limits[0]) if limits else max_new_tokens,
            temperature if samples else 0.0,
            float(settings.get("top_p") or 1.0) if samples else 1.0,
        )

    def sampling(self, seed: int) -> Sampling:
        return Sampling(self.temperature, self.top_p, seed if self.temperature else 0)


def _open(pretrained: str, device: str | None, precision: str, threads: int | None) -> Scorer:
    import torch

    if not pretrained:
        raise FournilError(tr("no model is named"), fix=tr("Give it: --model_args pretrained=FOLDER."), code=EXIT_USAGE)
    if precision not in _PRECISIONS:
        raise FournilError(
            tr("the model `fournil` does not calculate in {name}", name=precision),
            fix=tr("Precisions: {names}.", names="fp32, bf16"),
            code=EXIT_USAGE,
        )
    if device is None or (str(device).startswith("cuda") and not torch.cuda.is_available()):
        device = "cuda" if torch.cuda.is_available() else "cpu"
        _log.info("device: %s", device)
    return open_scorer(
        model_folder(pretrained),
        device=str(device),
        precision=_PRECISIONS[precision],
        threads=int(threads or 0),
    )


def _arguments(requests: Sequence[Instance]) -> list[tuple[Any, ...]]:
    return [tuple(request.args) for request in requests]


register()
