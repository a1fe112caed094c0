"""Copies of a store on the hosts of a fleet or at a URL, so that no version is lost because one disk is.

`replicate` makes them, `survey` verifies every byte of them, `heal` repairs from a good one, and `recover` rebuilds a
store that was lost.
"""
