"""Regression tests for image-editing models."""
