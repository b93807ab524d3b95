"""Settings of curate: `[curate]` in a recipe."""

from dataclasses import dataclass, field

from fournil.core.bounds import within
from fournil.core.speech import tr
from fournil.stages.curate.sections.compat import CompatSettings
from fournil.stages.curate.sections.contamination import ContaminationSettings
from fournil.stages.curate.sections.duplicates import DuplicateSettings
from fournil.stages.curate.sections.engine import EngineSettings
from fournil.stages.curate.sections.heldout import HeldoutSettings
from fournil.stages.curate.sections.language import LanguageSettings
from fournil.stages.curate.sections.models import ModelSettings
from fournil.stages.curate.sections.pairs import PairSettings
from fournil.stages.curate.sections.personal_data import PersonalDataSettings
from fournil.stages.curate.sections.quality import COMPAT, QualitySettings
from fournil.stages.curate.sections.toxicity import ToxicitySettings


@dataclass(frozen=True)
class Config:
    """Settings of curate."""

    max_text_bytes: int = 10_000_000
    """Texts with more bytes are refused unread (0: none is). A book has a million; each byte takes 20 of memory, in
    the worst of texts 110."""

    language: LanguageSettings = field(default_factory=LanguageSettings)
    """Language identification."""

    personal_data: PersonalDataSettings = field(default_factory=PersonalDataSettings)
    """Masking of personal data."""

    heldout: HeldoutSettings = field(default_factory=HeldoutSettings)
    """What is set aside for evaluation."""

    contamination: ContaminationSettings = field(default_factory=ContaminationSettings)
    """Evaluation items that stand in training text."""

    toxicity: ToxicitySettings = field(default_factory=ToxicitySettings)
    """Coarse, hateful and sexual words."""

    models: ModelSettings = field(default_factory=ModelSettings)
    """What small models say of a text."""

    quality: QualitySettings = field(default_factory=QualitySettings)
    """Quality of documents."""

    compat: CompatSettings = field(default_factory=CompatSettings)
    """datatrove's filters, where quality.mode is compat."""

    pairs: PairSettings = field(default_factory=PairSettings)
    """Filters of pairs."""

    duplicates: DuplicateSettings = field(default_factory=DuplicateSettings)
    """Exact and near duplicates."""

    engine: EngineSettings = field(default_factory=EngineSettings)
    """Where the work is done."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds, or a section is given that nothing asks.
        """
        within(self, max_text_bytes=(0, None))
        if self.quality.mode != COMPAT and self.compat != CompatSettings():
            raise ValueError(
                tr("settings of compat are asked in mode compat alone: set quality.mode, or leave them out")
            )
