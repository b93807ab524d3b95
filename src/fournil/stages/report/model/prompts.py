"""A chat template as the pieces between its messages, so that the page needs no Jinja."""

from __future__ import annotations

import re
from typing import Any

_MARK = "\ue000{}\ue001"
_MARKS = re.compile("\ue000\\d+\ue001")


def chat_pieces(template: str, *, bos: str, eos: str) -> dict[str, Any] | None:
    """Render a template around messages that are marks, and cut it at them.

    Args:
        template: Jinja, over `messages`, `add_generation_prompt`, `bos_token` and `eos_token`.
        bos: The token that begins a text.
        eos: The token that ends one.

    Returns:
        `open`, what stands before the first message; `answer`, what stands between a message and its answer; `again`,
        what stands between an answer and the next message, None where a chat of several turns is not put together
        from these. None where the template cannot be rendered.
    """
    from jinja2 import TemplateError
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    def refuse(message: str) -> None:
        raise TemplateError(message)

    environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
    environment.globals["raise_exception"] = refuse

    def pieces(num_messages: int) -> list[str]:
        roles = ("user", "assistant")
        messages = [{"role": roles[i % 2], "content": _MARK.format(i)} for i in range(num_messages)]
        try:
            text = environment.from_string(template).render(
                messages=messages, add_generation_prompt=True, bos_token=bos, eos_token=eos
            )
        except (TemplateError, TypeError, ValueError):
            return []
        found = _MARKS.split(text)
        return found if len(found) == num_messages + 1 else []

    single = pieces(1)
    if not single:
        return None
    first, answer = single
    longer = pieces(5)
    again = longer[2] if longer else None
    regular = longer == [first, answer, again, answer, again, answer]
    return {"open": first, "answer": answer, "again": again if regular else None}
