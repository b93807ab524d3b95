"""Signs of program code and of LaTeX in a line of text.

Few and strong, so that prose is not taken for code: a manual page's `printf(3)`, an option `--color=auto`, a place
to fill in such as <file>, a price of $5, a heading or a list of Markdown are none.
"""

from __future__ import annotations

import re

CODE, LATEX = "code", "latex"

_LATEX = (
    r"\\[A-Za-z]+\*?(?:\[[^\]]*\])?\{",  # a command with its argument
    r"\\(?:alpha|beta|gamma|delta|epsilon|lambda|mu|pi|sigma|theta|omega|sum|int|sqrt|infty|leq|geq|times|cdot)\b",
    r"\\(?:item|left|right|quad|maketitle|tableofcontents|noindent|newline|hline)\b",
    r"\\[\[\]()]",  # \( … \) and \[ … \]
    r"\$\$",
    r"\$(?=\S)[^$\n;]*[\\^_][^$\n;]*(?<=\S)\$(?!\w)",  # mathematics between dollars
)

_ARGUMENTS = r"\((?![1-9]\w{0,2}\))[^()\n]*\)"
"""Of a call; a manual page's section is none."""

_CODE = (
    r"```",
    r"^\s*(?:async\s+)?(?:def|class)\s+\w+\s*(?:\([^)\n]*\))?[^:\n]*:\s*(?:#.*)?$",
    r"^\s*(?:from\s+[\w.]+\s+)?import\s+[\w.*{}, ]+(?:\s+as\s+\w+)?(?:\s+from\s+['\"].*)?;?\s*$",
    r"^\s*#\s*(?:include\s*[<\"]|define\s+\w|ifn?def\s+\w|!/)",
    r"^\s*(?:if|elif|for|while|with|except)\b.*[=<>(\[_.].*:\s*(?:#.*)?$",
    r"^\s*(?:else|try|finally):\s*$",
    r"\b(?:if|for|while|switch|catch)\s*\([^\n]*\)\s*\{",
    r"\bfunction\b\s*\w*\s*\([^)\n]*\)\s*\{",
    r"^\s*return\b[^.!?]*(?:;\s*$|[\[({=_])|^\s*return\s+(?:\w+|-?\d+);?\s*$",
    r"^\s*(?:raise|assert|yield|await|del)\s+[\w.]+(?:\(|\s*[=<>!]=|\[)",
    r"^\s*(?:public|private|protected|static|extern)\s+(?:\w+\s+)*?[\w<>\[\]]+\s+\w+\s*(?:[=;]|\([^)\n]*\)\s*\{?\s*$)",
    r"^\s*(?:var|let|const|int|float|char|double|bool|void|unsigned|String)\s+\*?\w+\s*(?:[=;(]|\[\w*\])",
    r"^\s*[\w.\[\]'\"]+\s*(?:[-+*/|]?=|:=)\s*(?=[^=\s]).*[\w)\]}'\";,(\[{]\s*$",  # an assignment, and nothing else
    r"[\w)\]'\"]\s*(?:=>|===|!==|==|!=|&&|\|\||\+=)\s*[\w(\[!'\"-]",
    r"\w->\w+",
    r"\$[A-Za-z_]\w*\s*(?:=[^=]|->|\[)|^\s*echo\b.*;\s*$",
    rf"\b\w+(?:\.\w+)+{_ARGUMENTS}|\b[A-Za-z]\w*_\w*{_ARGUMENTS}",  # os.path.join(…), read_file(…)
    rf"^\s*[A-Za-z_]\w*{_ARGUMENTS};?\s*$|\);\s*$",  # a call, and nothing else
    r"\bSELECT\b.+\bFROM\b",
    r"\blambda\b[^.\n]*:\s",
    r"</?(?:a|p|b|i|br|hr|div|span|ul|ol|li|t[drh]|table|html|head|body|script|style|img|input|form|code|pre|h[1-6]|"
    r"strong|em|title|meta|link)(?:\s+[\w:-]+=(?:\"[^\"]*\"|'[^']*'|[^\s>]+))*\s*/?>",
    r"^\s*[{}]\s*[;,)]*\s*$|[\w)\]]\s*\{\s*$",
    r"^\s*>>> |^\s*\$ \w+",  # what is typed
)

_PATTERNS = ((LATEX, re.compile("|".join(_LATEX))), (CODE, re.compile("|".join(_CODE))))


def sign_of(line: str) -> str | None:
    """What a line is a sign of: CODE, LATEX, or nothing."""
    return next((name for name, pattern in _PATTERNS if pattern.search(line)), None)
