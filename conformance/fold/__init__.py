"""What the upstream said, folded from its own bytes through the official SDKs' typed events.

    bytes ── wire ──▶ events ── SDK models (chat, messages) ──▶ items, usage, finish ── ends ──▶ Said

Pure: no I/O, no clock. The SDKs' accumulators are not used: they raise on every `length` ending, close cut
JSON and merge what two calls said; the suite's own tests require that the fold agrees with them wherever they
do none of that.
"""

from conformance.fold.ends import TRANSPORT_ENDS
from conformance.fold.reply import fold, fold_reply, resumed

__all__ = ["TRANSPORT_ENDS", "fold", "fold_reply", "resumed"]
