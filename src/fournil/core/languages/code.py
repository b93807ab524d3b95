"""Program code: no natural language, so a private role tag that BCP 47 does not know.

A document of source code has language "code" and category "code". It has no stop words, no elision and no bounds on its
words; curate judges it by a few rules of its own and never identifies its language.
"""

from fournil.core.languages.language import Language
from fournil.core.speech import mark

LANGUAGE = Language(
    tag="code", name=mark("Program code")["message"], native_name="code", mean_word_length=(0.0, 1000.0)
)
