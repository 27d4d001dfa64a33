"""Tests of HelloID's contracts."""
