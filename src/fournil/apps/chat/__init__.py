"""Use a model: chat with it, have it translate."""

from __future__ import annotations

from fournil.apps.chat.commands import chat_command, translate_command

__all__ = ["chat_command", "translate_command"]
