"""What runs on a host as root while copies there are made or verified: sent over SSH to its own python3.

Standard library only. Each request is a line of JSON, and so is each answer; bytes follow a request or an answer whose
files say how many. A copy is ``<root>/copies/models/<name>/<version>/``, the store's documents lie below
``<root>/copies/store/``.
"""
