"""English."""

from fournil.core.languages.language import Language
from fournil.core.speech import mark

_STOP_WORDS = """
a an and are as at be but by can for from had has have he her his i if in is it its not of on or she so that the
their them there they this to was we were which who will with would you your
"""

LANGUAGE = Language(
    tag="en",
    name=mark("English")["message"],
    native_name="English",
    stop_words=frozenset(_STOP_WORDS.split()),
    mean_word_length=(3.0, 10.0),
    boilerplate=(
        "enable javascript",
        "turn on javascript",
        "terms of use",
        "privacy policy",
        "cookie policy",
        "uses cookies",
        "use of cookies",
        "use cookies",
    ),
    phone_regions=("US", "GB", "CA", "IE", "AU"),
    phone_cues=("tel", "phone", "telephone", "mobile", "cell", "fax", "call", "sms", "text"),
    articles=frozenset(("a", "an", "the")),
    prompts=(
        ("choice", "Question: {question}\nAnswer:"),
        ("choice in context", "{context}\n\nQuestion: {question}\nAnswer:"),
        ("classification", "Text: {text}\nCategory:"),
        ("translation", "{from}: {source}\n{to}:"),
    ),
)
