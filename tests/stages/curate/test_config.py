from importlib.resources import files
from pathlib import Path

from fournil.core.settings import settings_of
from fournil.stages.curate import reads
from fournil.stages.curate.config import Config
from fournil.stages.curate.presets import PUBLISHED
from fournil.stages.curate.sections.contamination import ContaminationSettings
from fournil.stages.curate.sections.duplicates import DuplicateSettings
from fournil.stages.curate.sections.models import ClassifierSettings, ModelSettings, PerplexitySettings
from fournil.stages.curate.sections.quality import Bounds
from fournil.stages.curate.sections.toxicity import ToxicitySettings


def test_every_setting_says_what_it_is():
    for setting in settings_of(Config):
        assert setting.doc.endswith("."), setting.path


def test_looser_bounds_name_the_published_ones():
    docs = {setting.path: setting.doc for setting in settings_of(Bounds)}
    for name, doc in docs.items():
        if getattr(Bounds(), name) != getattr(PUBLISHED, name):
            assert any(paper in doc for paper in ("Gopher", "C4", "FineWeb", "published", "(ours")), name


def test_files_that_settings_name_make_curate_stale(tmp_path):
    config = Config(
        contamination=ContaminationSettings(sets=("fournil-mini", "frenchbench", "mine.jsonl"), data="data"),
        toxicity=ToxicitySettings(lists={"fr": "mots.txt"}, classifier="classifier"),
        models=ModelSettings(PerplexitySettings({"fr": "books"}), classifier=(ClassifierSettings("edu", "edu"),)),
        duplicates=DuplicateSettings(against=("earlier/02-curate",)),
    )
    named = reads(config)
    own = [str(path) for path in named if not path.is_absolute()]
    assert own == ["mine.jsonl", "data", "mots.txt", "classifier", "books", "edu", "earlier/02-curate"]
    data = Path(str(files("fournil.data")))
    packaged = {path.relative_to(data).as_posix() for path in named if path.is_absolute()}
    assert {"mini/fr/grammar.jsonl", "toxicity/en.txt"} < packaged
    assert not any(name.startswith("fidelity") for name in packaged)
    nothing = reads(Config(contamination=ContaminationSettings(sets=(), data="data")))
    assert [path.parent.name for path in nothing] == ["toxicity"] * 2
