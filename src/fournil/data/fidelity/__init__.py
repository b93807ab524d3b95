"""The prompts of language fidelity: 200 of our own writing in each language, CC0."""
