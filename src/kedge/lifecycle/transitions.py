"""The table of legal transitions: which event may come in which state."""

from __future__ import annotations

from enum import Enum
from typing import Any

from kedge.lifecycle.events import (
    Answered,
    BatchArrived,
    ChunkArrived,
    ConnectionCompleted,
    ControlClosed,
    Disconnected,
    Flushed,
    Initialized,
    NotifyComplete,
    Raised,
    RecordsClosed,
    Returned,
    Violated,
)

__all__ = ["TRANSITIONS", "Reaction", "State"]


class State(Enum):
    """Where a run stands."""

    AWAITING = "awaiting initialisation"
    CONSTRUCTING = "constructing the tool"
    RUNNING = "running"
    COMPLETING = "completing"
    UPDATED = "updated"
    ENDING = "ending"
    CONFIRMED = "confirmed"
    LOST = "engine gone"

    __hash__ = object.__hash__  # Enum's own, which hashes the name, is run by the interpreter for each event


# --- the table of legal transitions -----------------------------------------------------------------------------------


class Reaction(Enum):
    """What a state does with an event."""

    TAKE = "take"
    IGNORE = "ignore"
    REFUSE = "refuse"


_FROM_ENGINE = (ChunkArrived, BatchArrived, ConnectionCompleted, RecordsClosed, NotifyComplete)


def _rows(state: State, reaction: Reaction, *events: type[Any]) -> dict[tuple[State, type[Any]], Reaction]:
    return {(state, event): reaction for event in events}


TRANSITIONS: dict[tuple[State, type[Any]], Reaction] = {
    # Nothing orders the two streams, so records may come before the initialisation and wait for it.
    **_rows(State.AWAITING, Reaction.TAKE, Initialized, *_FROM_ENGINE, ControlClosed, Disconnected, Violated),
    **_rows(State.AWAITING, Reaction.IGNORE, Answered),
    **_rows(State.CONSTRUCTING, Reaction.TAKE, *_FROM_ENGINE, Answered, ControlClosed, Disconnected, Violated),
    **_rows(State.CONSTRUCTING, Reaction.TAKE, Returned, Raised),
    **_rows(State.CONSTRUCTING, Reaction.REFUSE, Initialized),
    **_rows(State.RUNNING, Reaction.TAKE, *_FROM_ENGINE, Answered, ControlClosed, Disconnected, Violated),
    **_rows(State.RUNNING, Reaction.TAKE, Returned, Raised),
    **_rows(State.RUNNING, Reaction.REFUSE, Initialized),
    # on_complete is only called once every connection is complete: records that still come broke that promise.
    **_rows(State.COMPLETING, Reaction.REFUSE, ChunkArrived, BatchArrived, Initialized),
    **_rows(State.COMPLETING, Reaction.IGNORE, ConnectionCompleted, RecordsClosed, NotifyComplete),
    **_rows(State.COMPLETING, Reaction.TAKE, Answered, ControlClosed, Disconnected, Violated, Returned, Raised),
    # An update-only run has no records, whatever the engine sends.
    **_rows(State.UPDATED, Reaction.IGNORE, *_FROM_ENGINE),
    **_rows(State.UPDATED, Reaction.TAKE, Answered, ControlClosed, Disconnected, Violated, Returned, Raised),
    **_rows(State.UPDATED, Reaction.REFUSE, Initialized),
    # A callback may still be on its way back when the run has already failed.
    **_rows(State.ENDING, Reaction.TAKE, Flushed, Disconnected),
    **_rows(State.ENDING, Reaction.IGNORE, Initialized, *_FROM_ENGINE, Answered, ControlClosed, Violated),
    **_rows(State.ENDING, Reaction.IGNORE, Returned, Raised),
    **_rows(State.CONFIRMED, Reaction.IGNORE, Initialized, *_FROM_ENGINE, Answered, ControlClosed, Disconnected),
    **_rows(State.CONFIRMED, Reaction.IGNORE, Violated),
    **_rows(State.LOST, Reaction.IGNORE, Initialized, *_FROM_ENGINE, Answered, ControlClosed, Disconnected),
    **_rows(State.LOST, Reaction.IGNORE, Violated, Returned, Raised, Flushed),
}
"""What each state does with each event. A pair that is missing is a fault of the driver, never of the engine."""
