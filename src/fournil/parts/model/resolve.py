"""From what a user names to a model folder: a run, a folder, or a name on the Hugging Face hub."""

from __future__ import annotations

import re
from pathlib import Path

from fournil.core.errors import FournilError
from fournil.core.ledger import newest_records
from fournil.core.speech import tr

HUB_NAME = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*(@[\w./-]+)?")
SAFE_FILES = ("*.json", "*.safetensors", "tokenizer.model", "*.jinja")
"""All that is ever fetched: no pickles, no program code."""


def model_folder(model: str | Path) -> Path:
    """Find a model's folder.

    Args:
        model: A run's folder (its last finetuned model, or else its base), a Hugging Face folder, or a name on the hub,
            `owner/name` or `owner/name@revision`.

    Raises:
        FournilError: There is no such folder, run or name, no network, or no safetensors.
    """
    path = Path(model).expanduser()
    if path.is_dir():
        return path if (path / "config.json").is_file() else _of_run(path)
    if path.exists():
        raise FournilError(
            tr("this is a file, not a model folder"), where=path, fix=tr("Give the folder that holds it.")
        )
    if HUB_NAME.fullmatch(str(model)):
        return from_hub(str(model))
    raise FournilError(
        tr("no such folder"), where=path, fix=tr("Give a run, a model folder, or a name on the hub such as owner/name.")
    )


def shown_name(folder: Path) -> str:
    """Return what a model is called: its name on the hub where it lies in the hub's cache, else its folder's name."""
    parts = folder.parts
    for number, part in enumerate(parts):
        owner_and_name = part.removeprefix("models--").split("--")
        if part.startswith("models--") and "snapshots" in parts[number:] and len(owner_and_name) == 2:
            return "/".join(owner_and_name)
    return folder.resolve().name


def base_of(model: Path) -> Path | None:
    """Return the pretrained model that a run's finetuned one came of; None where the folder is no such model."""
    base = model.parent.parent / "04-pretrain"
    return base if model.parent.name == "05-finetune" and (base / "config.json").is_file() else None


def _of_run(run: Path) -> Path:
    found = {
        stage: run / folder
        for record in newest_records(run)
        for stage, folder in ((record.stage, _folder(record.stage, record.name)),)
        if stage in ("pretrain", "finetune") and (run / folder / "config.json").is_file()
    }
    for stage in ("finetune", "pretrain"):
        if stage in found:
            return found[stage]
    raise FournilError(
        tr("no model here: neither config.json nor a run with a trained model"),
        where=run,
        fix=tr("Bake it first: fournil bake RECIPE."),
    )


def _folder(stage: str, name: str) -> str:
    return f"05-finetune/{name}" if stage == "finetune" else "04-pretrain"


def from_hub(name: str) -> Path:
    """Fetch a model's safetensors, configuration and tokenizer from the hub, or find them in the cache.

    Raises:
        FournilError: The name is unknown, access is restricted, there is no network, or there are no safetensors.
    """
    import huggingface_hub
    from huggingface_hub import errors

    repository, _, revision = name.partition("@")
    try:
        folder = Path(
            huggingface_hub.snapshot_download(
                repository, revision=revision or None, allow_patterns=list(SAFE_FILES), ignore_patterns=["*/*"]
            )
        )
    except errors.GatedRepoError:
        fix = tr("Accept its terms on the hub, and set HF_TOKEN.")
        raise FournilError(tr("access to this model is restricted"), where=name, fix=fix) from None
    except (errors.RepositoryNotFoundError, errors.RevisionNotFoundError):
        fix = tr("Check owner, name and revision, or give a folder that exists.")
        raise FournilError(tr("no such folder, and no such model on the hub"), where=name, fix=fix) from None
    except (errors.LocalEntryNotFoundError, errors.OfflineModeIsEnabled, errors.HfHubHTTPError, OSError) as error:
        fix = tr("Check the network, or give the folder of a model that you have.")
        raise FournilError(
            tr("the hub cannot be reached ({reason})", reason=_first_line(error)), where=name, fix=fix
        ) from error
    if not list(folder.glob("*.safetensors")):
        fix = tr("Take a model that is published as safetensors: pickled weights are never fetched.")
        raise FournilError(tr("this model has no safetensors on the hub"), where=name, fix=fix)
    return folder


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
