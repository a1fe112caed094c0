"""Copies of a store on the hosts of a fleet or at a URL, so that no version is lost because one disk is.

The verbs: `replicate` makes copies, `survey` verifies every byte of them, `heal` repairs from a good one, and `recover`
rebuilds a store that was lost. What they work with: `contents` is what has to have copies, `targets` is where they are,
and `holders` are the hosts and URLs there. `plan` chooses holders and `refusing` sees to what must not be overwritten;
`versions`, `signatures` and `documents` bring back what their names say, and `merging` makes one log of several.
"""
