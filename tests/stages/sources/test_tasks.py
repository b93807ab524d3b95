"""Reading processes: they say what they have to say in the language of the one that started them."""

from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from types import SimpleNamespace

import pytest

from fournil.core.speech import figure, speak
from fournil.stages.sources import tasks


def test_a_reading_process_speaks_the_language_of_its_starter(monkeypatch):
    begun = {}

    def pool(_jobs, _context, **settings):
        begun.update(settings)
        raise KeyError

    monkeypatch.setattr(tasks, "ProcessPoolExecutor", pool)
    speak("fr")
    with pytest.raises(KeyError):
        next(tasks.read_all([SimpleNamespace(num_bytes=1)] * 2, 2))
    with ProcessPoolExecutor(1, get_context("spawn"), **begun) as real:
        assert real.submit(figure, "1,234.5").result() == "1\u202f234,5"
    with ProcessPoolExecutor(1, get_context("spawn")) as other:
        assert other.submit(figure, "1,234.5").result() == "1,234.5"
