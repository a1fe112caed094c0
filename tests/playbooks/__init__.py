"""Tests of playbooks/."""
