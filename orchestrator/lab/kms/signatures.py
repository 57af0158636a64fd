"""Signatures as KMS makes and checks them, of a message or of its digest (AWS KMS API Reference, "Sign", "Verify").

moto hashes a digest once more, so that what it signs verifies nowhere else.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from orchestrator.lab.api.aws_fault import AwsFault

if TYPE_CHECKING:
    from moto.kms.models import Key

_HASHES: dict[str, type[hashes.SHA256 | hashes.SHA384 | hashes.SHA512]] = {
    "256": hashes.SHA256,
    "384": hashes.SHA384,
    "512": hashes.SHA512,
}
#: The longest message in bytes that is not a digest (AWS KMS API Reference, "Sign", Message).
LONGEST = 4096


def digest_of(message: bytes, algorithm: str, *, digest: bool) -> bytes:
    """The digest that is signed. Raises AwsFault for a digest of the wrong length and a message that is too long."""
    kind = _hash(algorithm)
    if digest:
        if len(message) != kind.digest_size:
            raise AwsFault("ValidationException", f"Digest is invalid length for algorithm {algorithm}.")
        return message
    if len(message) > LONGEST:
        what = "1 validation error detected: Value at 'message' failed to satisfy constraint: "
        raise AwsFault("ValidationException", what + f"Member must have length less than or equal to {LONGEST}")
    hashed = hashes.Hash(kind)
    hashed.update(message)
    return hashed.finalize()


def sign(key: Key, digest: bytes, algorithm: str) -> bytes:
    """The signature of a digest. Raises AwsFault for a key that does not sign so."""
    private = _private(key, algorithm)
    if isinstance(private, ec.EllipticCurvePrivateKey):
        return private.sign(digest, ec.ECDSA(Prehashed(_hash(algorithm))))
    return bytes(private.sign(digest, _padding(algorithm), Prehashed(_hash(algorithm))))


def verify(key: Key, digest: bytes, signature: bytes, algorithm: str) -> None:
    """Raise AwsFault unless the signature is the key's, of this digest."""
    public = _private(key, algorithm).public_key()
    try:
        if isinstance(public, ec.EllipticCurvePublicKey):
            public.verify(signature, digest, ec.ECDSA(Prehashed(_hash(algorithm))))
        else:
            public.verify(signature, digest, _padding(algorithm), Prehashed(_hash(algorithm)))
    except InvalidSignature:
        raise AwsFault("KMSInvalidSignatureException", "") from None


def _private(key: Key, algorithm: str) -> Any:
    if key.key_usage != "SIGN_VERIFY":
        raise AwsFault("InvalidKeyUsageException", f"{key.arn} key usage is {key.key_usage}, not SIGN_VERIFY.")
    if algorithm not in (key.signing_algorithms or ()):
        raise AwsFault("InvalidKeyUsageException", f"{algorithm} does not go with {key.key_spec}.")
    private = getattr(key.private_key, "private_key", None)
    if not isinstance(private, (ec.EllipticCurvePrivateKey, rsa.RSAPrivateKey)):
        raise AwsFault("UnsupportedOperationException", f"The lab has no keys of the spec {key.key_spec}.")
    return private


def _hash(algorithm: str) -> hashes.HashAlgorithm:
    return _HASHES.get(algorithm[-3:], hashes.SHA256)()


def _padding(algorithm: str) -> padding.AsymmetricPadding:
    if "PSS" in algorithm:
        return padding.PSS(padding.MGF1(_hash(algorithm)), padding.PSS.DIGEST_LENGTH)
    return padding.PKCS1v15()
