"""Settings of the step toxicity: coarse, hateful and sexual words."""

from dataclasses import dataclass, field

from fournil.core.bounds import within
from fournil.core.speech import tr

REMOVE, MARK, COUNT = "remove", "mark", "count"
ACTIONS = (REMOVE, MARK, COUNT)


@dataclass(frozen=True)
class ToxicitySettings:
    """How much of a document may be words of the lists; a word that its context clears does not count."""

    action: str = REMOVE
    """`remove` refuses documents beyond a bound, `mark` writes it into `extra`, `count` only counts."""

    max_mild: float = 0.15
    """Share of words that are coarse: oaths and everyday insults, which speech, songs and novels have."""

    max_strong: float = 0.01
    """Share of words that are hate against groups or the harshest insults."""

    max_adult: float = 0.02
    """Share of words that are sexual."""

    min_found: int = 2
    """A document with fewer such words, of the grade in question, is never refused."""

    skip: tuple[str, ...] = ()
    """Categories that are counted and never refused."""

    skip_sources: tuple[str, ...] = ()
    """Sources that are counted and never refused."""

    lists: dict[str, str] = field(default_factory=dict)
    """By language a word list of one's own, in place of ours or for a language without one."""

    classifier: str = ""
    """A folder with a text classifier in Hugging Face layout (safetensors), asked about every document: slow. Empty:
    none."""

    classifier_label: str = "toxic"
    """Which of the classifier's labels is looked at."""

    max_score: float = 0.9
    """Documents to which the classifier gives that label with more than this probability are refused."""

    def __post_init__(self) -> None:
        """Refuse what makes no sense.

        Raises:
            ValueError: A figure lies outside its bounds, or there is no such action.
        """
        within(
            self,
            max_mild=(0.0, 1.0),
            max_strong=(0.0, 1.0),
            max_adult=(0.0, 1.0),
            min_found=(1, None),
            max_score=(0.0, 1.0),
        )
        if self.action not in ACTIONS:
            raise ValueError(tr("{name} is one of {names}", name="action", names=", ".join(ACTIONS)))
