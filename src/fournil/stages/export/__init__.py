"""Write the model for others: a Hugging Face folder and GGUF files, each proved to be the same model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from fournil.core.context import Artifact, Context
from fournil.core.errors import FournilError
from fournil.core.speech import mark, tr
from fournil.stages.export.config import Config

__all__ = ["FORMAT", "Config", "run"]

FORMAT = 2
_GGUF = ("f32", "f16", "q8_0")


def run(config: Config, inputs: Mapping[str, Path], out: Path, context: Context) -> Artifact:
    """Export a model.

    Args:
        config: The section of the recipe.
        inputs: `model`: a Hugging Face folder of a Llama.
        out: Gets huggingface/ and gguf/NAME-TYPE.gguf.
        context: Languages, for the model card and the prompts of the checks.

    Raises:
        FournilError: When a setting is wrong, the model is of another kind, or transformers or llama.cpp does not
            give the same ids, logits or greedy text.
    """
    from fournil.core.licences import normal_spdx

    wrong = [kind for kind in config.gguf if kind not in _GGUF]
    if wrong:
        raise FournilError(
            tr("no GGUF type {name!r}", name=wrong[0]),
            where="export.gguf",
            fix=tr("Choose from {names}.", names=", ".join(_GGUF)),
        )
    if "/" in config.name or config.name.startswith("."):
        raise FournilError(
            tr("{name!r} is no file name", name=config.name), where="export.name", fix=tr("Take letters and hyphens.")
        )
    config = replace(config, name=config.name or context.name, description=config.description or context.description)
    licence = normal_spdx(config.licence) if config.licence else ""

    import torch

    from fournil.parts.model.gguf import Card, write_gguf
    from fournil.stages.export.check import check_llama_cpp, check_transformers
    from fournil.stages.export.folder import write_folder

    torch.set_num_threads(context.threads)
    folder = out / "huggingface"
    facts = write_folder(inputs["model"], folder, config, licence, context.languages)
    facts["gguf"] = {}
    facts["checks"] = {}
    measured: dict[str, object] = {}
    if config.check:
        context.progress.note(tr("Checking the folder with transformers"))
        facts["checks"]["transformers"], measured["transformers"] = check_transformers(folder, context.languages)
    card = Card(config.name, config.description, licence, context.languages)
    for kind in config.gguf:
        path = out / "gguf" / f"{config.name}-{kind}.gguf"
        context.progress.note(tr("Writing {name}", name=path.name))
        write_gguf(folder, path, card, quantization=kind)  # type: ignore[arg-type]  # checked above
        facts["gguf"][path.name] = {"type": kind, "bytes": path.stat().st_size}
        if config.check:
            context.progress.note(tr("Checking {name} with llama.cpp", name=path.name))
            found, figures = check_llama_cpp(folder, path, kind, context.languages, config.check_tokens)
            facts["checks"][path.name] = found
            measured[path.name] = figures
    size = sum(path.stat().st_size for path in (*folder.iterdir(), *out.glob("gguf/*.gguf")))
    checked = [name for name, found in facts["checks"].items() if isinstance(found, dict)]
    readers = list(dict.fromkeys(name if name == "transformers" else "llama.cpp" for name in checked))
    sizes = {"kinds": ", ".join(config.gguf), "megabytes": round(size / 1e6, 1), "readers": ", ".join(readers)}
    if config.gguf and readers:
        said = mark("Hugging Face folder, GGUF {kinds}: {megabytes:,.1f} MB, checked with {readers}", **sizes)
    elif config.gguf:
        said = mark("Hugging Face folder, GGUF {kinds}: {megabytes:,.1f} MB, not checked", **sizes)
    elif readers:
        said = mark("Hugging Face folder: {megabytes:,.1f} MB, checked with {readers}", **sizes)
    else:
        said = mark("Hugging Face folder: {megabytes:,.1f} MB, not checked", **sizes)
    facts["headline"] = said
    return Artifact(facts=facts, measured=measured)
