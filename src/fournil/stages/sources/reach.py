"""Whether the sources of a recipe can be had from this machine: asked in seconds, before anything is baked."""

from __future__ import annotations

from fournil.core.errors import FournilError
from fournil.core.progress import Progress
from fournil.core.speech import tr
from fournil.stages.sources.apt import Apt
from fournil.stages.sources.catalogue import load
from fournil.stages.sources.config import Config
from fournil.stages.sources.download import HASTY
from fournil.stages.sources.own import matching_files
from fournil.stages.sources.readers.hub import ask_hub
from fournil.stages.sources.ways import archive_of, ways

_HASTY_APT = ("-o", "Acquire::Retries=0", "-o", "Acquire::http::Timeout=5", "-o", "Acquire::https::Timeout=5")


def reachable(config: Config) -> str:
    """Say why the sources cannot be had from this machine, in one line; an empty string when they can.

    The index of packages that is fetched to find out is kept for the bake that follows. Of data sets of the hub, only
    whether the hub knows them is asked. A wrong setting is no matter of reach: baking says it.
    """
    try:
        for key in config.use:
            load(key)
        for source in config.files:
            matching_files(source)
    except FournilError as error:
        return str(error)
    return (_packages(config) if config.use else "") or _hub(config)


def _packages(config: Config) -> str:
    reasons: list[str] = []
    for way in ways(config):
        try:
            archive = archive_of(way, config, Progress(), HASTY)
            with archive.locked():
                if isinstance(archive, Apt):
                    archive.update(options=_HASTY_APT)
                else:
                    archive.update()
        except FournilError as error:
            place = f" [{error.where}]" if error.where else ""
            reasons.append(f"{error.what}{place}")
        else:
            return ""
    if len(reasons) == 1:
        return reasons[0]
    return tr("{apt}, and {mirror}", apt=reasons[0], mirror=reasons[1])


def _hub(config: Config) -> str:
    for source in config.hub:
        try:
            ask_hub(source.dataset, source.revision, seconds=HASTY.read_seconds)
        except FournilError as error:
            return f"{error.what} [{error.where}]"
    return ""
