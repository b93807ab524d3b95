"""An n-gram language model of our own: how surprising a text is to someone who has read clean text of its language."""

from fournil.parts.text.ngram_lm.model import NgramModel, load_model, save_model
from fournil.parts.text.ngram_lm.train import TrainSettings, train_model

__all__ = ["NgramModel", "TrainSettings", "load_model", "save_model", "train_model"]
