"""Miniatures: named wrong proxies that prove that each check can fail."""

from conformance.miniatures.miniature import Edit, Miniature, all_miniatures, get, miniature

__all__ = ["Edit", "Miniature", "all_miniatures", "get", "miniature"]
