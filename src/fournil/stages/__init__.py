"""The stages of a bake, one folder each, in the order of the flow."""
