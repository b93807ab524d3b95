"""French."""

from fournil.core.languages.language import Language
from fournil.core.speech import mark

_STOP_WORDS = """
à au aux avec ce ces cette comme dans de des du elle en est et être il ils je la le les leur lui mais ne nous on
ou où par pas plus pour que qui sa sans se ses si son sont sur un une vous c' d' j' l' m' n' qu' s' t'
"""

LANGUAGE = Language(
    tag="fr",
    name=mark("French")["message"],
    native_name="français",
    stop_words=frozenset(_STOP_WORDS.split()),
    apostrophe_ends_word=True,
    mean_word_length=(3.0, 10.0),
    speech_dashes="—–",
    boilerplate=(
        "activer javascript",
        "activez javascript",
        "conditions générales d’utilisation",
        "conditions générales d'utilisation",
        "nous utilisons des cookies",
        "ce site utilise des cookies",
        "utilisation de cookies",
        "politique de confidentialité",
        "politique de cookies",
        "politique relative aux cookies",
    ),
    phone_regions=("FR", "BE", "CH", "LU", "CA"),
    phone_cues=(
        "tél",
        "tel",
        "téléphone",
        "téléphoner",
        "portable",
        "mobile",
        "fax",
        "télécopie",
        "appelez",
        "appeler",
        "sms",
    ),
    identifiers=("nir",),
    articles=frozenset(("le", "la", "les", "l'", "un", "une", "des", "du")),
    prompts=(
        ("choice", "Question\N{NO-BREAK SPACE}: {question}\nRéponse\N{NO-BREAK SPACE}:"),
        ("choice in context", "{context}\n\nQuestion\N{NO-BREAK SPACE}: {question}\nRéponse\N{NO-BREAK SPACE}:"),
        ("classification", "Texte\N{NO-BREAK SPACE}: {text}\nCatégorie\N{NO-BREAK SPACE}:"),
        ("translation", "{from}\N{NO-BREAK SPACE}: {source}\n{to}\N{NO-BREAK SPACE}:"),
    ),
)
