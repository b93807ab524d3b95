"""Beside the flow: looking into a run, chatting and translating with a model."""
