"""Personal data are sealed where they come in: envelope encryption, AES-256-GCM from `cryptography`.

Each sealed thing has a key of its own, wrapped by a key of the ring; a new ring key in front rotates without downtime, since older ones still open.
"""

import base64
import hashlib
import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

MAGIC = b"NV1"
NONCE_BYTES = 12
WRAPPED_BYTES = 32 + 16
ID_BYTES = 8


class SealingError(Exception):
    """A key ring that cannot be read, or something sealed that none of its keys opens."""


@dataclass(frozen=True)
class KeyRing:
    """The keys, newest first. A representation shows none of them."""

    keys: tuple[tuple[str, bytes], ...]

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(name for name, _ in self.keys)})"

    @classmethod
    def read(cls, path: Path) -> "KeyRing":
        """A file with a key a line: its name, a space, 32 bytes in base64; the first seals, all open."""
        keys = []
        for number, line in enumerate(path.read_text().splitlines(), 1):
            if not line.strip() or line.startswith("#"):
                continue
            try:
                name, encoded = line.split()
                key = base64.b64decode(encoded, validate=True)
            except ValueError:
                raise SealingError(f"{path}, line {number}: write a name, a space and a key in base64") from None
            if len(key) != 32 or len(name.encode()) > ID_BYTES:
                raise SealingError(f"{path}, line {number}: a key has 32 bytes, its name 8 at most")
            keys.append((name, key))
        if not keys:
            raise SealingError(f"{path} holds no key: make one with `noveto key generate`")
        return cls(tuple(keys))

    def seal(self, plain: bytes, purpose: str) -> bytes:
        """Sealed bytes; only opening for the same purpose succeeds."""
        name, ring_key = self.keys[0]
        own_key = AESGCM.generate_key(bit_length=256)
        wrap_nonce, nonce = secrets.token_bytes(NONCE_BYTES), secrets.token_bytes(NONCE_BYTES)
        bound = purpose.encode()
        return b"".join(
            (
                MAGIC,
                name.encode().ljust(ID_BYTES, b"\0"),
                wrap_nonce,
                AESGCM(ring_key).encrypt(wrap_nonce, own_key, bound),
                nonce,
                AESGCM(own_key).encrypt(nonce, plain, bound),
            )
        )

    def open(self, sealed: bytes, purpose: str) -> bytes:
        """What was sealed. Raises SealingError where the key is gone, the purpose another, or the bytes were changed."""
        own_key, rest = self._unwrap(sealed, purpose)
        try:
            return AESGCM(own_key).decrypt(rest[:NONCE_BYTES], rest[NONCE_BYTES:], purpose.encode())
        except InvalidTag:
            raise SealingError("the sealed bytes were changed") from None

    def reseal(self, sealed: bytes, purpose: str) -> bytes:
        """The same, its own key wrapped by the newest ring key: what rotation does to each row."""
        own_key, rest = self._unwrap(sealed, purpose)
        name, ring_key = self.keys[0]
        wrap_nonce = secrets.token_bytes(NONCE_BYTES)
        wrapped = AESGCM(ring_key).encrypt(wrap_nonce, own_key, purpose.encode())
        return b"".join((MAGIC, name.encode().ljust(ID_BYTES, b"\0"), wrap_nonce, wrapped, rest))

    def fingerprint(self, content: bytes) -> str:
        """A content's fingerprint that tells nothing to whoever lacks the key; the oldest key makes it, so rotation keeps it."""
        return hmac.new(self.keys[-1][1], content, hashlib.sha256).hexdigest()

    def _unwrap(self, sealed: bytes, purpose: str) -> tuple[bytes, bytes]:
        if sealed[:3] != MAGIC:
            raise SealingError("not sealed by this program")
        name = sealed[3 : 3 + ID_BYTES].rstrip(b"\0").decode(errors="replace")
        ring_key = dict(self.keys).get(name)
        if ring_key is None:
            raise SealingError(f"the key ring has no key {name}")
        start = 3 + ID_BYTES
        wrap_nonce = sealed[start : start + NONCE_BYTES]
        wrapped = sealed[start + NONCE_BYTES : start + NONCE_BYTES + WRAPPED_BYTES]
        try:
            own_key = AESGCM(ring_key).decrypt(wrap_nonce, wrapped, purpose.encode())
        except InvalidTag:
            raise SealingError("sealed for another purpose, by another key, or changed") from None
        return own_key, sealed[start + NONCE_BYTES + WRAPPED_BYTES :]


def new_key_line(name: str) -> str:
    """A line for a key ring's file."""
    return f"{name} {base64.b64encode(AESGCM.generate_key(bit_length=256)).decode()}\n"


def applicant_ref(case_id: str) -> str:
    """The opaque name under which an applicant is kept: it says nothing about the person."""
    return "ap-" + hashlib.blake2s(case_id.encode(), person=b"noveto").hexdigest()[:24]
