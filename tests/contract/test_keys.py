"""What KMS says of keys: their states, policies and grants, and of signatures."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from tests.contract.keys import key, policy
from tests.contract.source import source

if TYPE_CHECKING:
    from tests.contract.conftest import Contract

API, GUIDE = "AWS KMS API Reference", "AWS KMS Developer Guide"
MESSAGE = b"web 7 is what production runs"
DIGEST = hashlib.sha256(MESSAGE).digest()
ALGORITHMS = [
    ("ECC_NIST_P256", "ECDSA_SHA_256"),
    ("RSA_2048", "RSASSA_PKCS1_V1_5_SHA_256"),
    ("RSA_2048", "RSASSA_PSS_SHA_256"),
]


def signer(aws: Contract, spec: str = "ECC_NIST_P256") -> str:
    return key(aws, KeySpec=spec, KeyUsage="SIGN_VERIFY")


def holds(public: Any, signature: bytes, algorithm: str) -> None:
    """Raise InvalidSignature unless the signature is one of the message, by somebody else's reckoning."""
    if isinstance(public, ec.EllipticCurvePublicKey):
        public.verify(signature, MESSAGE, ec.ECDSA(hashes.SHA256()))
    elif isinstance(public, rsa.RSAPublicKey):
        pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
        public.verify(signature, MESSAGE, pss if "PSS" in algorithm else padding.PKCS1v15(), hashes.SHA256())


@source(API, "Sign, MessageType; GetPublicKey: the signature can be verified outside of KMS")
@pytest.mark.parametrize(("spec", "algorithm"), ALGORITHMS, ids=[algorithm for _, algorithm in ALGORITHMS])
@pytest.mark.parametrize("kind", ["RAW", "DIGEST"])
def test_a_signature_verifies_elsewhere(aws: Contract, spec: str, algorithm: str, kind: str) -> None:
    kms, arn = aws.client("kms"), signer(aws, spec)
    what = {"RAW": MESSAGE, "DIGEST": DIGEST}[kind]
    answer = kms.sign(KeyId=arn, Message=what, MessageType=kind, SigningAlgorithm=algorithm)
    public = serialization.load_der_public_key(kms.get_public_key(KeyId=arn)["PublicKey"])
    holds(public, answer["Signature"], algorithm)


@source(API, "Verify, MessageType: of a digest, the signature is the same")
def test_what_was_signed_as_a_message_verifies_as_its_digest(aws: Contract) -> None:
    kms, arn, algorithm = aws.client("kms"), signer(aws), "ECDSA_SHA_256"
    signature = kms.sign(KeyId=arn, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    answer = kms.verify(
        KeyId=arn, Message=DIGEST, MessageType="DIGEST", Signature=signature, SigningAlgorithm=algorithm
    )
    assert answer["SignatureValid"]


@source(API, "Verify: fails with a KMSInvalidSignatureException")
def test_a_wrong_signature_is_an_error(aws: Contract) -> None:
    kms, arn, algorithm = aws.client("kms"), signer(aws), "ECDSA_SHA_256"
    signature = kms.sign(KeyId=arn, Message=MESSAGE, SigningAlgorithm=algorithm)["Signature"]
    with pytest.raises(kms.exceptions.KMSInvalidSignatureException):
        kms.verify(KeyId=arn, Message=b"another", Signature=signature, SigningAlgorithm=algorithm)


@source(API, "Sign, Message: messages can be 0-4096 bytes")
def test_a_long_message_is_signed_as_its_digest_only(aws: Contract) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        aws.client("kms").sign(KeyId=signer(aws), Message=b"x" * 4_097, SigningAlgorithm="ECDSA_SHA_256")


@source(API, "Sign, MessageType: the digest's length must be that of the algorithm [the code is inferred]")
def test_a_digest_of_another_length_is_not_signed(aws: Contract) -> None:
    with pytest.raises(ClientError, match="ValidationException"):
        aws.client("kms").sign(
            KeyId=signer(aws), Message=DIGEST[:20], MessageType="DIGEST", SigningAlgorithm="ECDSA_SHA_256"
        )


@source(API, "Sign, InvalidKeyUsageException")
def test_a_key_for_encryption_does_not_sign(aws: Contract) -> None:
    kms, arn = aws.client("kms"), key(aws)
    with pytest.raises(kms.exceptions.InvalidKeyUsageException):
        kms.sign(KeyId=arn, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256")


@source(API, "DisableKey; Encrypt, DisabledException")
def test_a_disabled_key_does_nothing(aws: Contract) -> None:
    kms, arn = aws.client("kms"), key(aws)
    kms.disable_key(KeyId=arn)
    with pytest.raises(kms.exceptions.DisabledException):
        kms.encrypt(KeyId=arn, Plaintext=b"x")


@source(API, "Sign, DisabledException")
def test_a_disabled_key_does_not_sign(aws: Contract) -> None:
    kms, arn = aws.client("kms"), signer(aws)
    kms.disable_key(KeyId=arn)
    with pytest.raises(kms.exceptions.DisabledException):
        kms.sign(KeyId=arn, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256")


@source(API, "EnableKey")
def test_a_key_that_is_enabled_again_works(aws: Contract) -> None:
    kms, arn = aws.client("kms"), key(aws)
    kms.disable_key(KeyId=arn)
    kms.enable_key(KeyId=arn)
    secret = kms.encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=secret)["Plaintext"] == b"x"


@source(API, "ScheduleKeyDeletion, the response")
def test_a_key_waits_for_its_deletion(aws: Contract) -> None:
    kms, arn = aws.client("kms"), key(aws)
    answer = kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    assert (answer["KeyId"], answer["KeyState"], answer["PendingWindowInDays"]) == (arn, "PendingDeletion", 7)


@source(GUIDE, "Key states of AWS KMS keys, PendingDeletion")
def test_a_key_that_waits_for_its_deletion_does_nothing(aws: Contract) -> None:
    kms, arn = aws.client("kms"), key(aws)
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    with pytest.raises(kms.exceptions.KMSInvalidStateException):
        kms.encrypt(KeyId=arn, Plaintext=b"x")


@source(GUIDE, "Key states of AWS KMS keys, PendingDeletion")
def test_a_key_that_waits_for_its_deletion_is_not_enabled(aws: Contract) -> None:
    kms, arn = aws.client("kms"), key(aws)
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    with pytest.raises(kms.exceptions.KMSInvalidStateException):
        kms.enable_key(KeyId=arn)


@source(API, "CancelKeyDeletion: the key state is Disabled")
def test_a_key_whose_deletion_is_cancelled_is_disabled(aws: Contract) -> None:
    kms, arn = aws.client("kms"), key(aws)
    kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=7)
    kms.cancel_key_deletion(KeyId=arn)
    assert kms.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "Disabled"


@source(API, "ScheduleKeyDeletion, PendingWindowInDays: between 7 and 30")
@pytest.mark.parametrize("days", [6, 31])
def test_a_key_waits_a_week_to_a_month(aws: Contract, days: int) -> None:
    kms, arn = aws.client("kms"), key(aws)
    with pytest.raises(ClientError):
        kms.schedule_key_deletion(KeyId=arn, PendingWindowInDays=days)


@source(API, "PutKeyPolicy, Policy: it must allow the caller to make a subsequent PutKeyPolicy request")
def test_nobody_locks_himself_out_of_a_key(aws: Contract, account: str) -> None:
    kms, arn = aws.client("kms"), key(aws)
    readers = policy(account).replace("kms:*", "kms:DescribeKey")
    with pytest.raises(kms.exceptions.MalformedPolicyDocumentException):
        kms.put_key_policy(KeyId=arn, PolicyName="default", Policy=readers)


@source(API, "PutKeyPolicy, MalformedPolicyDocumentException")
def test_a_key_policy_is_json(aws: Contract) -> None:
    kms, arn = aws.client("kms"), key(aws)
    with pytest.raises(kms.exceptions.MalformedPolicyDocumentException):
        kms.put_key_policy(KeyId=arn, PolicyName="default", Policy="{")


@source(GUIDE, "Allowing users in other accounts to use a KMS key")
def test_a_key_is_closed_to_other_accounts(aws: Contract) -> None:
    arn, theirs = key(aws), aws.member().client("kms")
    with pytest.raises(theirs.exceptions.ClientError, match="AccessDenied"):
        theirs.encrypt(KeyId=arn, Plaintext=b"x")


@source(GUIDE, "Allowing users in other accounts to use a KMS key: by its ARN, when its policy lets the account")
def test_an_account_that_the_policy_names_uses_the_key_by_its_arn(aws: Contract, account: str) -> None:
    member = aws.member()
    other = f"arn:aws:iam::{member.account}:root"
    arn = key(aws, Policy=policy(account, other, actions=("kms:Encrypt", "kms:Decrypt")))
    secret = member.client("kms").encrypt(KeyId=arn, Plaintext=b"x")["CiphertextBlob"]
    assert member.client("kms").decrypt(CiphertextBlob=secret)["Plaintext"] == b"x"
    assert aws.client("kms").decrypt(CiphertextBlob=secret)["Plaintext"] == b"x"


@source(GUIDE, "Allowing users in other accounts: only the actions that the policy names")
def test_an_account_does_with_a_key_what_the_policy_names_alone(aws: Contract, account: str) -> None:
    member = aws.member()
    other = f"arn:aws:iam::{member.account}:root"
    arn = key(aws, Policy=policy(account, other, actions=("kms:DescribeKey",)))
    theirs = member.client("kms")
    assert theirs.describe_key(KeyId=arn)["KeyMetadata"]["Arn"] == arn
    with pytest.raises(theirs.exceptions.ClientError, match="AccessDenied"):
        theirs.encrypt(KeyId=arn, Plaintext=b"x")


@source(GUIDE, "Grants in AWS KMS; CreateGrant, GranteePrincipal")
def test_a_grant_opens_a_key_to_a_principal(aws: Contract) -> None:
    member, arn, kms = aws.member(), key(aws), aws.client("kms")
    role = f"arn:aws:iam::{member.account}:role/OrganizationAccountAccessRole"
    kms.create_grant(KeyId=arn, GranteePrincipal=role, Operations=["Encrypt"])
    assert member.client("kms").encrypt(KeyId=arn, Plaintext=b"x")["KeyId"] == arn


@source(API, "RevokeGrant")
def test_a_grant_that_is_revoked_is_none(aws: Contract) -> None:
    member, arn, kms = aws.member(), key(aws), aws.client("kms")
    role = f"arn:aws:iam::{member.account}:role/OrganizationAccountAccessRole"
    grant = kms.create_grant(KeyId=arn, GranteePrincipal=role, Operations=["Encrypt"])["GrantId"]
    kms.revoke_grant(KeyId=arn, GrantId=grant)
    theirs = member.client("kms")
    with pytest.raises(theirs.exceptions.ClientError, match="AccessDenied"):
        theirs.encrypt(KeyId=arn, Plaintext=b"x")


@source(API, "CreateGrant, DisabledException")
def test_a_disabled_key_is_not_granted(aws: Contract, account: str) -> None:
    kms, arn = aws.client("kms"), key(aws)
    kms.disable_key(KeyId=arn)
    with pytest.raises(kms.exceptions.DisabledException):
        kms.create_grant(KeyId=arn, GranteePrincipal=f"arn:aws:iam::{account}:root", Operations=["Encrypt"])


@source(API, "Error: NotFoundException; a key is one of its Region (AWS KMS Developer Guide, Key ARN)")
def test_a_key_is_in_its_region_alone(aws: Contract) -> None:
    arn, elsewhere = key(aws), aws.client("kms", "eu-west-1")
    with pytest.raises(elsewhere.exceptions.NotFoundException):
        elsewhere.encrypt(KeyId=arn, Plaintext=b"x")
