"""Tests of commands/store/."""
