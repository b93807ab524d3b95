"""Looking into a run: the flow at a glance, what a run made, and a document's story.

Each is imported from its own module: `show` must not wait for what `why` needs.
"""
