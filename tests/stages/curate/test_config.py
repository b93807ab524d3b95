from fournil.core.settings import settings_of
from fournil.stages.curate.config import Config
from fournil.stages.curate.presets import PUBLISHED
from fournil.stages.curate.sections.quality import Bounds


def test_every_setting_says_what_it_is():
    for setting in settings_of(Config):
        assert setting.doc.endswith("."), setting.path


def test_looser_bounds_name_the_published_ones():
    docs = {setting.path: setting.doc for setting in settings_of(Bounds)}
    for name, doc in docs.items():
        if getattr(Bounds(), name) != getattr(PUBLISHED, name):
            assert any(paper in doc for paper in ("Gopher", "C4", "FineWeb", "published", "(ours")), name
