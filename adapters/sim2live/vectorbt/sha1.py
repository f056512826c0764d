"""Many SHA-1 hashes of texts that share their beginnings, compiled.

Python's own hashlib takes about a microsecond for each, most of it to make and copy objects;
that is as long as all the rest of an export. vectorbt brings numba, and numba does without the
objects. The algorithm is that of FIPS 180-4; a test holds it to hashlib.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import njit

Bytes = npt.NDArray[np.uint8]
Ints = npt.NDArray[np.int64]

_BLOCK = 64
_LENGTH = 8  # the last bytes of the last block hold the length of the text, in bits
_U32 = np.uint32


def digests(heads: Sequence[bytes], tails: Sequence[bytes], head: Ints, tail: Ints) -> Bytes:
    """``hashlib.sha1(heads[h] + tails[t]).digest()`` for each pair of positions.

    Args:
        heads: Beginnings of the texts.
        tails: Their ends.
        head: Position in `heads`, for each text.
        tail: Position in `tails`, for each text.

    Returns:
        Digests, shape (texts, 20).
    """
    out = np.empty((len(head), 20), dtype=np.uint8)
    if len(head):
        _digests(*_table(heads), *_table(tails), head, tail, out)
    return out


def _table(texts: Sequence[bytes]) -> tuple[Bytes, Ints]:
    """Texts as rows of one array, and their lengths."""
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    width = int(lengths.max())
    joined = b"".join(text.ljust(width, b"\0") for text in texts)
    return np.frombuffer(joined, dtype=np.uint8).reshape(len(texts), width), lengths


@njit(cache=True)
def _digests(
    heads: Any, head_lengths: Any, tails: Any, tail_lengths: Any, head: Any, tail: Any, out: Any
) -> None:
    """Hash the whole blocks of each head once, then what is left of it with each tail."""
    states = np.empty((len(heads), 5), dtype=np.uint32)
    words = np.empty(80, dtype=np.uint32)
    for h in range(len(heads)):
        states[h, 0] = 0x67452301
        states[h, 1] = 0xEFCDAB89
        states[h, 2] = 0x98BADCFE
        states[h, 3] = 0x10325476
        states[h, 4] = 0xC3D2E1F0
        for block in range(head_lengths[h] // _BLOCK):
            _mix(states[h], heads[h, block * _BLOCK : (block + 1) * _BLOCK], words)
    longest = _BLOCK + tails.shape[1] + 1 + _LENGTH + _BLOCK
    text = np.empty(longest, dtype=np.uint8)
    state = np.empty(5, dtype=np.uint32)
    for row in range(len(head)):
        h, t = head[row], tail[row]
        done = head_lengths[h] // _BLOCK * _BLOCK
        left = head_lengths[h] - done
        size = left + tail_lengths[t]
        text[:left] = heads[h, done : done + left]
        text[left:size] = tails[t, : tail_lengths[t]]
        end = (size + _LENGTH) // _BLOCK * _BLOCK + _BLOCK
        text[size] = 0x80
        text[size + 1 : end] = 0
        bits = (done + size) * 8
        for byte in range(_LENGTH):
            text[end - 1 - byte] = (bits >> (8 * byte)) & 0xFF
        state[:] = states[h]
        for block in range(end // _BLOCK):
            _mix(state, text[block * _BLOCK : (block + 1) * _BLOCK], words)
        for word in range(5):
            for byte in range(4):
                out[row, 4 * word + byte] = (state[word] >> _U32(24 - 8 * byte)) & _U32(0xFF)


@njit(cache=True)
def _mix(state: Any, block: Any, words: Any) -> None:
    """One block into the state. Four loops, because a branch inside one would cost more."""
    for i in range(16):
        at = 4 * i
        words[i] = (
            (_U32(block[at]) << _U32(24))
            | (_U32(block[at + 1]) << _U32(16))
            | (_U32(block[at + 2]) << _U32(8))
            | _U32(block[at + 3])
        )
    for i in range(16, 80):
        words[i] = _turn(words[i - 3] ^ words[i - 8] ^ words[i - 14] ^ words[i - 16], _U32(1))
    a, b, c, d, e = state[0], state[1], state[2], state[3], state[4]
    for i in range(20):
        fresh = _U32(_turn(a, _U32(5)) + ((b & c) | (~b & d)) + e + _U32(0x5A827999) + words[i])
        a, b, c, d, e = fresh, a, _turn(b, _U32(30)), c, d
    for i in range(20, 40):
        fresh = _U32(_turn(a, _U32(5)) + (b ^ c ^ d) + e + _U32(0x6ED9EBA1) + words[i])
        a, b, c, d, e = fresh, a, _turn(b, _U32(30)), c, d
    for i in range(40, 60):
        most = (b & c) | (b & d) | (c & d)
        fresh = _U32(_turn(a, _U32(5)) + most + e + _U32(0x8F1BBCDC) + words[i])
        a, b, c, d, e = fresh, a, _turn(b, _U32(30)), c, d
    for i in range(60, 80):
        fresh = _U32(_turn(a, _U32(5)) + (b ^ c ^ d) + e + _U32(0xCA62C1D6) + words[i])
        a, b, c, d, e = fresh, a, _turn(b, _U32(30)), c, d
    state[0] += a
    state[1] += b
    state[2] += c
    state[3] += d
    state[4] += e


@njit(cache=True, inline="always")
def _turn(word: Any, by: Any) -> Any:
    """A word of 32 bits, turned to the left."""
    return _U32((word << by) | (word >> (_U32(32) - by)))
