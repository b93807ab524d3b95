"""One way to run any model folder: our own Llama, or another architecture through transformers.

Shapes: B rows, T tokens, V vocabulary.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import functional as F

from fournil.core.errors import FournilError
from fournil.core.speech import tr
from fournil.parts.model import folder as folders
from fournil.parts.model import generate as generation
from fournil.parts.model.beams import Candidate, beam_candidates
from fournil.parts.model.config import check_sizes, other_kind
from fournil.parts.model.cross_entropy import IGNORED
from fournil.parts.model.generate import GREEDY, Sampling, choose, dice_of
from fournil.parts.tokenize.load import load as load_tokenizer
from fournil.parts.tokenize.load import refuse_beyond_rows
from fournil.parts.tokenize.prompts import ChatFormat, begins_with_bos, ends_of_text
from fournil.parts.tokenize.special import EOS

DEFAULT_WINDOW = 2048
"""Tokens that a model reads when nothing says how many."""

UNBOUNDED = 1_000_000
"""A tokenizer that says more knows no bound."""


class Engine(Protocol):
    """A model that is ready to be used."""

    kind: str
    """"fournil" or "transformers"."""
    searches: bool
    """Whether it has beam search."""
    tokenizer: Tokenizer
    context_length: int
    """The most tokens that it reads."""
    chat: ChatFormat | None
    """How it is spoken to, if it was taught to answer."""
    start_id: int
    """What stands before a text: the token that begins texts, or else the one that ends them."""
    stop_ids: frozenset[int]
    """What ends a text or an answer."""
    device: str

    def loss(self, ids_BT: Tensor, targets_BT: Tensor) -> Tensor:
        """Cross-entropy of each target in nats, [B, T]; zero where the target is -100."""
        ...

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        stop_ids: Collection[int],
        max_new_tokens: int | Sequence[int],
        sampling: Sampling = GREEDY,
    ) -> list[list[int]]:
        """Write on from each prompt."""
        ...

    def candidates(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        stop_ids: Collection[int],
        max_new_tokens: int | Sequence[int],
        num_beams: int,
    ) -> list[list[Candidate]]:
        """Ways to write on from each prompt, best first; only one where `searches` is false."""
        ...

    def stream(
        self, prompt: Sequence[int], *, stop_ids: Collection[int], max_new_tokens: int, sampling: Sampling = GREEDY
    ) -> Iterator[int]:
        """Write on from one prompt, token by token."""
        ...


def open_model(folder: Path, *, device: str = "cpu", dtype: torch.dtype | None = None) -> Engine:
    """Load a Hugging Face folder: a Llama in our own code, anything else in transformers.

    Args:
        folder: The model's.
        device: Where it goes.
        dtype: Of its weights in memory (None: float32 on a CPU, bfloat16 elsewhere).

    Raises:
        FournilError: There is no such folder, no safetensors, no tokenizer; it brings program code of its own; its
            files do not fit together; or transformers is needed and missing.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        if folder.suffix == ".gguf" or (folder.is_dir() and list(folder.glob("*.gguf"))):
            raise FournilError(
                tr("this is GGUF, which llama.cpp reads"),
                where=folder,
                fix=tr("Give the Hugging Face folder that it was made of, with config.json and safetensors."),
            )
        raise FournilError(tr("no model here"), where=folder, fix=tr("Give a Hugging Face folder, with a config.json."))
    config = folders.read_json(folder / "config.json")
    check_sizes(config, str(folder / "config.json"))
    code = config.get("auto_map")
    if isinstance(code, Mapping) and any(str(name).startswith("AutoModel") for name in code):
        raise FournilError(
            tr("this model brings program code of its own, which is not run"),
            where=folder,
            fix=tr("Take a model whose architecture transformers itself knows."),
        )
    if other_kind(config) is None:
        return OwnEngine(folder, device, dtype)
    return TransformersEngine(folder, config, device, dtype)


def _dtype_on(device: str) -> torch.dtype:
    return torch.float32 if device == "cpu" else torch.bfloat16


class _Folder:
    """What is read of a folder whatever runs it."""

    def __init__(self, folder: Path, device: str, num_rows: int) -> None:
        self.device = device
        self.tokenizer = load_tokenizer(folder)
        self.chat = ChatFormat.read(folder)
        refuse_beyond_rows(self.tokenizer, num_rows, folder, template=self.chat.template if self.chat else "")
        self.stop_ids = ends_of_text(folder, self.tokenizer)
        begins = self.tokenizer.token_to_id(begins_with_bos(folder) or "")
        ends = self.tokenizer.token_to_id(self.chat.eos_token if self.chat else EOS)
        found = [
            number for number in (begins, ends, *sorted(self.stop_ids)) if number is not None and number < num_rows
        ]
        self.start_id = found[0] if found else 0


class OwnEngine(_Folder):
    """Our transformer."""

    kind = "fournil"
    searches = True

    def __init__(self, folder: Path, device: str = "cpu", dtype: torch.dtype | None = None) -> None:
        super().__init__(folder, device, folders.read_config(folder).vocab_size)
        self.model = folders.load(folder, dtype or _dtype_on(device), device=device).eval()
        self.context_length = self.model.config.max_position_embeddings

    def loss(self, ids_BT: Tensor, targets_BT: Tensor) -> Tensor:
        """Cross-entropy of each target in nats, [B, T]; zero where the target is -100."""
        return self.model.loss(ids_BT, targets_BT)

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        stop_ids: Collection[int],
        max_new_tokens: int | Sequence[int],
        sampling: Sampling = GREEDY,
    ) -> list[list[int]]:
        """Write on from each prompt."""
        return generation.generate(
            self.model, prompts, stop_ids=stop_ids, max_new_tokens=max_new_tokens, sampling=sampling
        )

    def candidates(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        stop_ids: Collection[int],
        max_new_tokens: int | Sequence[int],
        num_beams: int,
    ) -> list[list[Candidate]]:
        """Ways to write on from each prompt, best first, by beam search; one, the greedy way, with one beam."""
        if num_beams == 1:
            return [[(0.0, ids)] for ids in self.generate(prompts, stop_ids=stop_ids, max_new_tokens=max_new_tokens)]
        return beam_candidates(
            self.model, prompts, stop_ids=stop_ids, max_new_tokens=max_new_tokens, num_beams=num_beams
        )

    def stream(
        self, prompt: Sequence[int], *, stop_ids: Collection[int], max_new_tokens: int, sampling: Sampling = GREEDY
    ) -> Iterator[int]:
        """Write on from one prompt, token by token."""
        return generation.stream(
            self.model, prompt, stop_ids=stop_ids, max_new_tokens=max_new_tokens, sampling=sampling
        )


def _not_loaded(error: Exception, folder: Path) -> FournilError:
    said = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return FournilError(
        tr("transformers cannot load this model ({error})", error=said[:200]),
        where=folder,
        fix=tr("Check that the folder is whole, and that your transformers is new enough for it."),
    )


def _rows(settings: Any) -> int:  # noqa: ANN401 - whatever transformers makes of config.json
    """Rows of the embedding; models with several parts keep the size in the one that reads text."""
    text = settings.get_text_config() if hasattr(settings, "get_text_config") else settings
    return int(getattr(text, "vocab_size", 0) or 1 << 24)


def _window(settings: Any, folder: Path) -> int:  # noqa: ANN401 - whatever transformers makes of config.json
    """The most tokens that a model reads, looked for where lm_eval 0.4.13 looks (resolve_max_length)."""
    text = getattr(settings, "text_config", None) or settings
    for name in ("n_positions", "max_position_embeddings", "n_ctx"):
        value = getattr(text, name, None)
        if value is not None:
            return int(value)
    path = folder / "tokenizer_config.json"
    longest = folders.read_json(path).get("model_max_length") if path.is_file() else None
    return int(longest) if isinstance(longest, int | float) and 0 < longest < UNBOUNDED else DEFAULT_WINDOW


class TransformersEngine(_Folder):
    """Any causal language model that transformers knows; one prompt at a time."""

    kind = "transformers"
    searches = False

    def __init__(
        self, folder: Path, config: dict[str, Any], device: str = "cpu", dtype: torch.dtype | None = None
    ) -> None:
        headers = folders.tensor_headers(folder)
        try:
            import transformers
        except ImportError:
            raise FournilError(
                tr("architecture {name} needs transformers", name=(config.get("architectures") or ["unknown"])[0]),
                where=folder,
                fix=tr("Install it: `pip install 'fournil[transformers]'`."),
            ) from None
        transformers.utils.logging.disable_progress_bar()
        transformers.utils.logging.set_verbosity_error()
        dtype = dtype or _dtype_on(device)
        num_stored = sum(math.prod(header.shape) for header in headers)
        if device == "cpu":
            folders.refuse_beyond_memory(num_stored * dtype.itemsize, folder)
        try:
            settings = transformers.AutoConfig.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
            with torch.device("meta"):
                described: Any = transformers.AutoModelForCausalLM.from_config(settings, trust_remote_code=False)
            num_described = sum(parameter.numel() for parameter in described.parameters())
            del described
        except Exception as error:
            raise _not_loaded(error, folder) from error
        # Tied weights are stored once or twice, and some folders hold more than the language model.
        if num_described > 2 * num_stored:
            raise FournilError(
                tr(
                    "config.json asks for {wanted:,} parameters, the files hold {stored:,}",
                    wanted=num_described,
                    stored=num_stored,
                ),
                where=folder,
                fix=tr("The weights do not belong to config.json."),
            )
        super().__init__(folder, device, _rows(settings))
        try:
            loaded: Any = transformers.AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=dtype,
                trust_remote_code=False,
                use_safetensors=True,
                local_files_only=True,
                output_loading_info=True,
            )
        except Exception as error:  # whatever transformers and the architecture's own code raise
            raise _not_loaded(error, folder) from error
        self.model: Any = loaded[0]
        folders.refuse_missing(loaded[1]["missing_keys"], folder)  # transformers fills them with random numbers
        for name, parameter in self.model.named_parameters():
            folders.refuse_not_finite(name, parameter, folder)
        self.model.to(device).eval()
        self.context_length = _window(settings, folder)

    def loss(self, ids_BT: Tensor, targets_BT: Tensor) -> Tensor:
        """Cross-entropy of each target in nats, [B, T]; zero where the target is -100."""
        logits_BTV = self.logits(ids_BT)
        losses = F.cross_entropy(
            logits_BTV.float().flatten(0, 1), targets_BT.flatten(), ignore_index=IGNORED, reduction="none"
        )
        return losses.view(targets_BT.shape)

    def logits(self, ids_BT: Tensor) -> Tensor:
        """Scores of every next token behind every token, [B, T, V]."""
        return self.model(input_ids=ids_BT, use_cache=False).logits

    def generate(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        stop_ids: Collection[int],
        max_new_tokens: int | Sequence[int],
        sampling: Sampling = GREEDY,
    ) -> list[list[int]]:
        """Write on from each prompt."""
        limits = [max_new_tokens] * len(prompts) if isinstance(max_new_tokens, int) else max_new_tokens
        return [
            list(self.stream(prompt, stop_ids=stop_ids, max_new_tokens=limit, sampling=sampling))
            for prompt, limit in zip(prompts, limits, strict=True)
        ]

    def candidates(
        self,
        prompts: Sequence[Sequence[int]],
        *,
        stop_ids: Collection[int],
        max_new_tokens: int | Sequence[int],
        num_beams: int,
    ) -> list[list[Candidate]]:
        """The greedy way to write on from each prompt, whatever `num_beams`."""
        return [[(0.0, ids)] for ids in self.generate(prompts, stop_ids=stop_ids, max_new_tokens=max_new_tokens)]

    def stream(
        self, prompt: Sequence[int], *, stop_ids: Collection[int], max_new_tokens: int, sampling: Sampling = GREEDY
    ) -> Iterator[int]:
        """Write on from one prompt, token by token, whatever generation_config says."""
        dice, past = [dice_of(sampling, prompt)], None
        ids_BT = torch.tensor([list(prompt)], device=self.device)
        for _ in range(min(max_new_tokens, self.context_length - len(prompt))):
            with torch.inference_mode():
                out = self.model(input_ids=ids_BT, past_key_values=past, use_cache=True)
                token = int(choose(out.logits[:, -1], sampling, dice)[0])
            if token in stop_ids:
                return
            yield token
            past, ids_BT = out.past_key_values, torch.tensor([[token]], device=self.device)
