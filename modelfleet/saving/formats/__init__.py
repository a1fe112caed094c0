"""How each kind of artefact is written or taken over: one module a format."""
