"""One way to run any model folder: our own Llama, or another architecture through transformers.

Shapes: B rows, T tokens, V vocabulary.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
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
from fournil.parts.model.config import ModelConfig
from fournil.parts.model.cross_entropy import IGNORED
from fournil.parts.model.generate import GREEDY, Sampling, choose, dice_of
from fournil.parts.tokenize.load import load as load_tokenizer
from fournil.parts.tokenize.prompts import ChatFormat, begins_with_bos, ends_of_text
from fournil.parts.tokenize.special import EOS


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


def open_model(folder: Path, *, device: str = "cpu") -> Engine:
    """Load a Hugging Face folder: a Llama in our own code, anything else in transformers.

    Raises:
        FournilError: There is no such folder, no safetensors, no tokenizer; or transformers is needed and missing.
    """
    folder = Path(folder)
    if not (folder / "config.json").is_file():
        raise FournilError(tr("no model here"), where=folder, fix=tr("Give a Hugging Face folder, with a config.json."))
    try:
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except (UnicodeDecodeError, json.JSONDecodeError) as error:
        raise FournilError(
            tr("this is no JSON ({error})", error=error), where=folder / "config.json", fix=tr("Fetch it again.")
        ) from None
    if is_llama(config):
        return OwnEngine(folder, device)
    return TransformersEngine(folder, config, device)


def is_llama(config: dict[str, Any]) -> bool:
    """Whether our own transformer reads a folder with this config.json."""
    try:
        ModelConfig.from_hugging_face(config)
    except FournilError:
        return False
    return True


class _Folder:
    """What is read of a folder whatever runs it."""

    def __init__(self, folder: Path, device: str) -> None:
        self.device = device
        self.tokenizer = load_tokenizer(folder)
        self.chat = ChatFormat.read(folder)
        self.stop_ids = ends_of_text(folder, self.tokenizer)
        begins = self.tokenizer.token_to_id(begins_with_bos(folder) or "")
        ends = self.tokenizer.token_to_id(self.chat.eos_token if self.chat else EOS)
        found = [number for number in (begins, ends, *sorted(self.stop_ids)) if number is not None]
        self.start_id = found[0] if found else 0


class OwnEngine(_Folder):
    """Our transformer."""

    kind = "fournil"
    searches = True

    def __init__(self, folder: Path, device: str = "cpu") -> None:
        super().__init__(folder, device)
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        self.model = folders.load(folder, dtype, device=device).eval()
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


class TransformersEngine(_Folder):
    """Any causal language model that transformers knows; one prompt at a time."""

    kind = "transformers"
    searches = False

    def __init__(self, folder: Path, config: dict[str, Any], device: str = "cpu") -> None:
        if config.get("auto_map"):
            raise FournilError(
                tr("this model brings program code of its own, which is not run"),
                where=folder,
                fix=tr("Take a model whose architecture transformers itself knows."),
            )
        if not list(folder.glob("*.safetensors")):
            pickled = any(list(folder.glob(pattern)) for pattern in folders.PICKLES)
            raise FournilError(
                tr("its weights are pickled: reading them would run whatever they contain")
                if pickled
                else tr("no weights"),
                where=folder,
                fix=tr("Give a folder with safetensors."),
            )
        try:
            import transformers
        except ImportError:
            raise FournilError(
                tr("architecture {name} needs transformers", name=(config.get("architectures") or ["unknown"])[0]),
                where=folder,
                fix=tr("Install it: pip install 'fournil[transformers]'."),
            ) from None
        super().__init__(folder, device)
        dtype = torch.float32 if device == "cpu" else torch.bfloat16
        try:
            self.model: Any = transformers.AutoModelForCausalLM.from_pretrained(
                folder, dtype=dtype, trust_remote_code=False, use_safetensors=True, local_files_only=True
            )
        except (OSError, ValueError, KeyError, ImportError) as error:
            raise FournilError(
                tr("transformers cannot load this model ({error})", error=str(error).splitlines()[0]),
                where=folder,
                fix=tr("Check that the folder is whole, and that your transformers is new enough for it."),
            ) from error
        self.model.to(device).eval()
        self.context_length = int(getattr(self.model.config, "max_position_embeddings", None) or 1024)

    def loss(self, ids_BT: Tensor, targets_BT: Tensor) -> Tensor:
        """Cross-entropy of each target in nats, [B, T]; zero where the target is -100."""
        logits_BTV = self.model(input_ids=ids_BT, use_cache=False).logits
        losses = F.cross_entropy(
            logits_BTV.float().flatten(0, 1), targets_BT.flatten(), ignore_index=IGNORED, reduction="none"
        )
        return losses.view(targets_BT.shape)

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
