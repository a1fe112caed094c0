#!/usr/bin/python
"""Runs on the controller only: see the action plugin of the same name."""

DOCUMENTATION = r"""
module: fits
short_description: Compare what bundles need with what a host has free
description: Fails in one line where disk or memory is short; runs on the controller, contacts no host.
options:
  bundles: {type: list, elements: path, required: true, description: The documents of the bundles for this host.}
  found: {type: dict, required: true, description: The answer of the look module.}
author: [modelfleet]
"""
