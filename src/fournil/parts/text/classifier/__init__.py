"""A classifier of texts that is trained from labels: fast, small, and nothing that it holds can run."""

from fournil.parts.text.classifier.model import Classifier, load_classifier, save_classifier
from fournil.parts.text.classifier.train import ClassifierSettings, train_classifier

__all__ = ["Classifier", "ClassifierSettings", "load_classifier", "save_classifier", "train_classifier"]
