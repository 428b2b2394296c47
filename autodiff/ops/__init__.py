"""Primitives and composites, a family a file."""
