"""Which way packages come: through apt, or from a mirror over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from fournil.core.errors import FournilError
from fournil.core.progress import Progress
from fournil.core.speech import tr
from fournil.stages.sources.apt import Apt
from fournil.stages.sources.config import Config
from fournil.stages.sources.download import Patience, UnreachableError, shown
from fournil.stages.sources.mirror import Mirror, Place
from fournil.stages.sources.packages import Archive, elsewhere


def ways(config: Config) -> tuple[str, ...]:
    """Return the ways to try, in order: `apt`, `mirror`."""
    if config.fetch != "auto":
        return (config.fetch,)
    return ("apt",) if config.apt_sources else ("apt", "mirror")


def archive_of(way: str, config: Config, progress: Progress, patience: Patience | None = None) -> Archive:
    """Return a way to packages as the settings say.

    Raises:
        FournilError: When this machine has no apt, or the cache folder cannot be made.
    """
    if way == "apt":
        return Apt(Path(config.apt_sources) if config.apt_sources else None, progress)
    place = Place(config.mirror, config.suite, config.components, config.architecture, config.keyring)
    return Mirror(place, progress, patience)


@contextmanager
def packages_from(config: Config, progress: Progress) -> Iterator[Archive]:
    """Give the first way to packages that has an index; it is locked while the block runs.

    Raises:
        FournilError: When there is none: the message says why of each.
    """
    trouble: dict[str, FournilError] = {}
    with ExitStack() as stack:
        for way in ways(config):
            if trouble:
                reason, url = trouble["apt"].what, shown(config.mirror)
                progress.note(tr("{reason}: packages come from {url}", reason=reason, url=url))
            with ExitStack() as attempt:
                try:
                    archive = archive_of(way, config, progress)
                    attempt.enter_context(archive.locked())
                    archive.update()
                except FournilError as error:
                    trouble[way] = error
                    continue
                stack.push(attempt.pop_all())
            yield archive
            return
    raise _none(trouble)


def _is_network(error: FournilError) -> bool:
    return isinstance(error, UnreachableError)


def _none(trouble: dict[str, FournilError]) -> FournilError:
    if len(trouble) == 1:
        error = next(iter(trouble.values()))
        return FournilError(error.what, where=error.where, fix=elsewhere()) if _is_network(error) else error
    what = tr(
        "packages can be had neither through apt ({apt}) nor from a mirror ({mirror})",
        apt=trouble["apt"].what,
        mirror=trouble["mirror"].what,
    )
    return FournilError(what, where=trouble["mirror"].where, fix=elsewhere())
