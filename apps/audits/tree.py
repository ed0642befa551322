"""The Merkle tree of RFC 6962 (and 9162) on numbers and hashes alone: which subtrees stand for what.

A leaf's hash is SHA-256(0x00 || leaf), a node's SHA-256(0x01 || left || right). The node (level, index) is the root of
the whole subtree over leaves index * 2**level up to, without, (index + 1) * 2**level; leaves count from 0."""

from hashlib import sha256

EMPTY = sha256().digest()  # the root of a tree without leaves
Place = tuple[int, int]  # level, index
Span = tuple[int, int]  # first leaf, and the one after the last


def leaf_hash(leaf: bytes) -> bytes:
    return sha256(b"\0" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return sha256(b"\1" + left + right).digest()


def folded(peaks: list[bytes]) -> bytes:
    """The root over whole subtrees that stand side by side, the largest first."""
    if not peaks:
        return EMPTY
    *rest, root = peaks
    for left in reversed(rest):
        root = node_hash(left, root)
    return root


def peaks(span: Span) -> list[Place]:
    """The whole subtrees that a span falls into, the largest first. Where it begins, the largest of them may begin."""
    first, end = span
    found = []
    while first < end:
        level = (end - first).bit_length() - 1
        found.append((level, first >> level))
        first += 1 << level
    return found


def inclusion(index: int, size: int) -> list[Span]:
    """RFC 6962, 2.1.1: the spans whose roots prove that leaf `index` is in the tree of `size`, the nearest first."""
    first, end, path = 0, size, []
    while end - first > 1:
        middle = first + _half(end - first)
        if index < middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first = middle
    return path[::-1]


def consistency(old: int, new: int) -> list[Span]:
    """RFC 6962, 2.1.2: the spans whose roots prove that the tree of `old` leaves is the beginning of that of `new`."""
    if old in (0, new):
        return []
    first, end, path, whole = 0, new, [], True
    while end != old:
        middle = first + _half(end - first)
        if old <= middle:
            path.append((middle, end))
            end = middle
        else:
            path.append((first, middle))
            first, whole = middle, False
    return ([] if whole else [(first, end)]) + path[::-1]


def _half(count: int) -> int:
    """The largest power of two that is smaller than `count`."""
    return 1 << (count - 1).bit_length() - 1
