"""From a trained model and some Linux hosts to a model service that clients rely on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelfleet.saving import SavedModel, save
    from modelfleet.saving.ensembles import combine, stack

__version__ = "0.1.0"
__all__ = ["SavedModel", "__version__", "combine", "save", "stack"]


def __getattr__(name: str) -> Any:
    """Import what saving needs only when it is asked for."""
    if name in ("save", "SavedModel"):
        from modelfleet import saving

        return getattr(saving, name)
    if name in ("combine", "stack"):
        from modelfleet.saving import ensembles

        return getattr(ensembles, name)
    raise AttributeError(name)
