"""Looking into a run: the flow at a glance, what a run made, and a document's story."""

from fournil.apps.inspect.flow_picture import draw_flow, print_settings
from fournil.apps.inspect.show import show
from fournil.apps.inspect.why import why

__all__ = ["draw_flow", "print_settings", "show", "why"]
