"""Tests of commands/model/."""
