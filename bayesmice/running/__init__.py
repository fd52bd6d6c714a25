"""Runs: chains that are begun, go on, and are arranged as a tree.

A run can be continued at any time: its chains, its plan and its records are all that a further
sweep needs, and a tree holds all three.
"""

from bayesmice.running.conditionals import log_prior_group, observed_group, prior_groups
from bayesmice.running.means import Means
from bayesmice.running.new_rows import NewRows
from bayesmice.running.overimputing import overimpute
from bayesmice.running.replay import find_targets, replay
from bayesmice.running.resuming import resume_run
from bayesmice.running.run import LONE_VISITS, Checkpoints, Cohort, Run
from bayesmice.running.watching import Callback, SweepInfo

__all__ = [
    "LONE_VISITS",
    "Callback",
    "Checkpoints",
    "Cohort",
    "Means",
    "NewRows",
    "Run",
    "SweepInfo",
    "find_targets",
    "log_prior_group",
    "observed_group",
    "overimpute",
    "prior_groups",
    "replay",
    "resume_run",
]
