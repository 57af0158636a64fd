"""KMS of the lab: moto's, where states, key policies and grants count, and keys of other accounts are found."""

from __future__ import annotations

import base64
import json
from typing import TYPE_CHECKING, Any

from moto.kms.models import kms_backends
from moto.kms.responses import KmsResponse

from orchestrator.lab.accounts.membership import reader
from orchestrator.lab.api.aws_fault import AwsFault
from orchestrator.lab.kms.acting import acting
from orchestrator.lab.kms.keys import key_named, place
from orchestrator.lab.kms.policy import KeyUse, KeyVerdict, may, verdict
from orchestrator.lab.kms.signatures import digest_of, sign, verify

if TYPE_CHECKING:
    from moto.kms.models import Key, KmsBackend

#: What uses a key (AWS KMS Developer Guide, "Key states of AWS KMS keys": these fail with a disabled key).
USES = frozenset(
    {
        "CreateGrant", "Decrypt", "DeriveSharedSecret", "Encrypt", "GenerateDataKey", "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext", "GenerateDataKeyWithoutPlaintext", "GenerateMac", "ReEncrypt", "Sign",
        "Verify", "VerifyMac",
    }
)  # fmt: skip
#: What can be done with a key of another account (AWS KMS Developer Guide, "Allowing users in other accounts").
ACROSS = USES | {"DescribeKey", "GetPublicKey", "GetKeyRotationStatus", "ListGrants", "RevokeGrant", "RetireGrant"}
#: What fails besides while a key waits for its deletion.
_NOT_PENDING = frozenset({"EnableKey", "DisableKey", "ScheduleKeyDeletion", "EnableKeyRotation", "DisableKeyRotation"})
#: These name no key, or one that need not be there.
_FREE = frozenset(
    {"CreateKey", "CreateAlias", "UpdateAlias", "DeleteAlias", "ListKeys", "ListAliases", "GenerateRandom"}
)

_SHORTEST, _LONGEST, _USUAL = 7, 30, 30
_ID = 36


class LabKmsResponse(KmsResponse):
    """moto's answers, once the caller may have them."""

    @property
    def kms_backend(self) -> KmsBackend:
        """The tables with the key that a call names, which may be those of another account."""
        account = self._key_account() if self._get_action() in ACROSS else self.current_account
        return kms_backends[account][self.region]

    def call_action(self) -> Any:
        """Any call, once the state of the key and its policy let the caller make it."""
        action = self._get_action()
        if action not in _FREE:
            key = self._key()
            if key is not None:
                self._check(key, action)
        return super().call_action()

    def sign(self) -> str:
        """Sign, also of a digest."""
        key, digest, algorithm = self._signing()
        signature = base64.b64encode(sign(key, digest, algorithm)).decode()
        return json.dumps({"KeyId": key.arn, "Signature": signature, "SigningAlgorithm": algorithm})

    def verify(self) -> str:
        """Verify; a signature that is wrong is an error."""
        key, digest, algorithm = self._signing()
        verify(key, digest, base64.b64decode(self._get_param("Signature")), algorithm)
        return json.dumps({"KeyId": key.arn, "SignatureValid": True, "SigningAlgorithm": algorithm})

    def _signing(self) -> tuple[Key, bytes, str]:
        self._validate_key_id(self._get_param("KeyId"))
        key = self.kms_backend.describe_key(self._get_param("KeyId"))
        algorithm = str(self._get_param("SigningAlgorithm"))
        given = self._get_param("MessageType") or "RAW"
        return key, digest_of(self._get_param("Message"), algorithm, digest=given == "DIGEST"), algorithm

    def put_key_policy(self) -> str:
        """PutKeyPolicy: not one that the caller could not change any more, nor one that is no policy."""
        policy, principal = str(self._get_param("Policy")), acting(self.current_account)
        try:
            said = verdict(policy, KeyUse(principal, "kms:PutKeyPolicy"))
        except (ValueError, AttributeError):
            raise AwsFault("MalformedPolicyDocumentException", "Policy contains invalid JSON") from None
        if said is not KeyVerdict.ALLOW and not self._get_param("BypassPolicyLockoutSafetyCheck"):
            what = "The new key policy will not allow you to update the key policy in the future."
            raise AwsFault("MalformedPolicyDocumentException", what)
        return str(super().put_key_policy())

    def schedule_key_deletion(self) -> str:
        """ScheduleKeyDeletion, with all that KMS answers."""
        days = int(self._get_param("PendingWindowInDays") or _USUAL)
        if not _SHORTEST <= days <= _LONGEST:
            what = f"PendingWindowInDays must be between {_SHORTEST} and {_LONGEST}"
            raise AwsFault("ValidationException", what)
        answer = json.loads(super().schedule_key_deletion())
        key = self._key()
        arn = key.arn if key is not None else answer["KeyId"]
        return json.dumps(answer | {"KeyId": arn, "KeyState": "PendingDeletion", "PendingWindowInDays": days})

    def get_public_key(self) -> str:
        """GetPublicKey, with the ARN of the key and its spec."""
        answer = json.loads(super().get_public_key())
        key = self._key()
        return json.dumps(answer | ({"KeyId": key.arn, "KeySpec": key.key_spec} if key is not None else {}))

    def _get_param(self, param_name: str, if_none: Any = None) -> Any:
        """A parameter; a key's id, also where its ARN is given, which some of moto's actions do not take."""
        value = super()._get_param(param_name, if_none)
        is_arn = param_name == "KeyId" and str(value).startswith("arn:")
        return str(value).rpartition(":key/")[2] if is_arn and ":key/" in value else value

    # -- the key -----------------------------------------------------------------------------------------------

    def _wanted(self) -> str:
        return str(super()._get_param("KeyId") or super()._get_param("DestinationKeyId") or "")

    def _key_account(self) -> str:
        wanted = self._wanted()
        if wanted:
            return place(wanted, self.current_account, self.region)[0]
        key = self._by_ciphertext()
        return str(key.account_id) if key is not None else self.current_account

    def _key(self) -> Key | None:
        wanted = self._wanted()
        if not wanted:
            return self._by_ciphertext()
        region = place(wanted, self.current_account, self.region)[1]
        if region != self.region:
            raise AwsFault("NotFoundException", f"Invalid arn {region}")
        return key_named(wanted, self.current_account, self.region)

    def _by_ciphertext(self) -> Key | None:
        """The key by which a ciphertext was made, in any account: moto writes its id in front."""
        blob = self._get_param("CiphertextBlob")
        if not blob:
            return None
        named = blob[:_ID].decode(errors="replace")
        tables = (regions[self.region] for regions in list(kms_backends.values()) if self.region in regions)
        return next((each.keys[named] for each in tables if named in each.keys), None)

    def _check(self, key: Key, action: str) -> None:
        principal = acting(self.current_account)
        use = KeyUse(principal, f"kms:{action}", organization=_organization(self.current_account))
        if not may(key, use):
            what = f"User: {principal} is not authorized to perform: kms:{action} on resource: {key.arn}"
            why = f"because no resource-based policy allows the kms:{action} action"
            raise AwsFault("AccessDeniedException", f"{what} {why}")
        if key.key_state == "PendingDeletion" and action in USES | _NOT_PENDING:
            raise AwsFault("KMSInvalidStateException", f"{key.arn} is pending deletion.")
        if key.key_state == "Disabled" and action in USES:
            raise AwsFault("DisabledException", f"{key.arn} is disabled.")
        if action == "CancelKeyDeletion" and key.key_state != "PendingDeletion":
            raise AwsFault("KMSInvalidStateException", f"{key.arn} is not pending deletion.")


def _organization(account: str) -> str:
    """The id of the organisation that an account is in; empty for none."""
    return reader(account).organization.rpartition("/")[2]
