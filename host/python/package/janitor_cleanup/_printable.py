"""Prevents texts from controlling a terminal."""

from __future__ import annotations

import re

_HIDDEN = re.compile(
    "[\0-\x1f\x7f-\xa0\xad\u034f\u061c\u115f\u1160\u1680\u17b4\u17b5\u180b-\u180f"
    "\u2000-\u200f\u2028-\u202f\u205f-\u206f\u2800\u3000\u3164\ud800-\udfff\ufdd0-\ufdef"
    "\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U00013430-\U0001343f\U00016fe4\U0001bca0-\U0001bca3\U0001d159\U0001d173-\U0001d17a"
    "\U000e0000-\U000e0fff"
    # The last two code points of every plane are noncharacters.
    + "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
    + "]"
)


def printable(text: str) -> str:
    """Escapes every character that could control a terminal, change the direction of writing, or
    hide in a name so that it looks like another one. Texts of servers contain whatever they want;
    print them with this."""
    return _HIDDEN.sub(lambda it: f"\\u{{{ord(it[0]):x}}}", text)
