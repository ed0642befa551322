"""Whoever tries links that open nothing is soon answered no more, whatever they try next.

A secret has 256 bits and is not guessed; this keeps those who try from costing anything. Counted by network address,
for a while after the last miss."""

import hashlib

from django.core.cache import cache

MISSES, WINDOW = 20, 600  # seconds


def is_shut_to(request) -> bool:
    return cache.get(_key(request), 0) >= MISSES


def missed(request) -> None:
    cache.set(_key(request), cache.get(_key(request), 0) + 1, WINDOW)


def _key(request) -> str:
    address = request.META.get("REMOTE_ADDR", "")
    return f"share-misses-{hashlib.sha256(address.encode()).hexdigest()[:32]}"
