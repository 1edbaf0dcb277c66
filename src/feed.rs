//! The append-only feed of one topic: offsets, epoch, replay, retry ids, time to live, conflation. Pure.
