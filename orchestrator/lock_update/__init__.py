"""What an update of `ami.lock` changes, and the change."""

from orchestrator.lock_update.change import LockUpdate, lock_update, unfetched

__all__ = ["LockUpdate", "lock_update", "unfetched"]
