"""Renders a chat template in a process of its own, which the system stops when it takes too much.

Templates come with models from anywhere. Jinja's sandbox keeps them from reading files and running programs, not from
looping for ever or making a text of all memory: that, only another process can be kept from. This file is run, not
imported, and needs nothing but Jinja: it reads a JSON line (`template`, then one line of arguments for each chat) and
answers with a JSON line, `text` or `error`.
"""

from __future__ import annotations

import contextlib
import json
import sys
from typing import Any

MAX_MEMORY_BYTES = 1 << 30
MAX_CPU_SECONDS = 60
MAX_CHARACTERS = 20_000_000


def limit() -> None:
    """Bound this process, where the system has such bounds."""
    with contextlib.suppress(ImportError, ValueError, OSError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
        resource.setrlimit(resource.RLIMIT_CPU, (MAX_CPU_SECONDS, MAX_CPU_SECONDS))


def compiled(template: str) -> Any:  # noqa: ANN401 - jinja2 loads late
    """The template, in Jinja's sandbox."""
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = refuse
    return environment.from_string(template)


def rendered(template: Any, arguments: dict[str, Any]) -> str:  # noqa: ANN401 - jinja2 loads late
    """The text of a chat.

    Raises:
        ValueError: The template refuses the chat, fails, or makes too long a text; the message says which.
    """
    try:
        text = template.render(**arguments)
    except Exception as error:  # a template may do anything that Python can fail at
        said = (str(error).strip().splitlines() or [""])[0][:200]
        raise ValueError(said or type(error).__name__) from None
    if len(text) > MAX_CHARACTERS:
        raise ValueError(f"{len(text):,} characters")
    return text


def main() -> None:
    """Answer until standard input ends."""
    limit()
    template: Any = None
    failed = ""
    try:
        template = compiled(json.loads(sys.stdin.readline()))
    except Exception as error:  # as above
        failed = (str(error).strip().splitlines() or [type(error).__name__])[0][:200]
    for line in sys.stdin:
        answer: dict[str, str]
        try:
            answer = {"error": failed} if failed else {"text": rendered(template, json.loads(line))}
        except ValueError as error:
            answer = {"error": str(error)}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
