"""Live endpoints: any server of `/v1/responses`, with no fake behind it and a real model that answers.

    options ─▶ LivePlan ─▶ LiveDriver ─▶ transcripts (dialect None) ─▶ rules that need no known upstream

`run_live` is to a live endpoint what `conformance.session.run` is to a target with a fake behind it.
"""

from conformance.live.session import run_live

__all__ = ["run_live"]
