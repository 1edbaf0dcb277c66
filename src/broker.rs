//! Topics and their feeds, shared by the four transports.
