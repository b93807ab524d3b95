import re
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import pytest

from fournil.core.settings import settings_of
from fournil.stages.curate import reads
from fournil.stages.curate.alone.presets import PUBLISHED
from fournil.stages.curate.config import Config
from fournil.stages.curate.sections.compat import CompatSettings
from fournil.stages.curate.sections.contamination import ContaminationSettings
from fournil.stages.curate.sections.duplicates import DuplicateSettings
from fournil.stages.curate.sections.models import ClassifierSettings, ModelSettings, OcrSettings, PerplexitySettings
from fournil.stages.curate.sections.quality import Bounds, CodeBounds, QualitySettings
from fournil.stages.curate.sections.toxicity import ToxicitySettings


def test_every_setting_says_what_it_is():
    for setting in settings_of(Config):
        assert setting.doc.endswith("."), setting.path


def test_looser_bounds_name_the_published_ones():
    docs = {setting.path: setting.doc for setting in settings_of(Bounds)}
    for name, doc in docs.items():
        if getattr(Bounds(), name) != getattr(PUBLISHED, name):
            assert any(paper in doc for paper in ("Gopher", "C4", "FineWeb", "published", "(ours")), name


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Bounds(min_words=-5), "min_words is -5, it must be 0 or more"),
        (lambda: Bounds(max_top_ngrams=(0.2, -0.1, 0.2)), "max_top_ngrams is -0.1"),
        (lambda: Bounds(min_lettered_words=7.0), "min_lettered_words is 7.0, it must be from 0 to 1"),
        (lambda: Bounds(min_words=60, max_words=50), "max_words is 50, it must be 60 or more"),
        (lambda: CodeBounds(max_line=0), "max_line is 0"),
        (lambda: CodeBounds(min_alphanumeric=25.0), "min_alphanumeric is 25.0"),
        (lambda: QualitySettings(mode="compat", preset="gopher"), "leave out preset"),
        (lambda: QualitySettings(mode="compat", bounds=Bounds(min_words=3)), "leave out bounds"),
        (lambda: Config(compat=CompatSettings(filters=("c4",))), "in mode compat alone"),
        (lambda: PerplexitySettings(max_percentile=90.0), "max_percentile needs a model"),
        (lambda: PerplexitySettings({"fr": "books"}, min_ratio=3.0, max_ratio=2.0), "max_ratio is 2.0, it must be 3.0"),
        (lambda: OcrSettings(max_ratio=2.0), "max_ratio needs a preset"),
        (lambda: ClassifierSettings("edu", "edu", min_score=0.6, max_score=0.5), "max_score is 0.5"),
    ],
)
def test_what_makes_no_sense_is_refused_when_it_is_read(make: Callable[[], object], message: str):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


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
