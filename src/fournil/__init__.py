"""Fournil: truly bilingual language models, from raw documents to a model that chats and translates on a laptop."""

__version__ = "0.1.0"
