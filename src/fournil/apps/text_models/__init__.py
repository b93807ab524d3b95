"""Small models of text quality, trained and asked from the command line."""

from fournil.apps.text_models.command import classifier_command, perplexity_command

__all__ = ["classifier_command", "perplexity_command"]
