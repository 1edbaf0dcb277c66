//! Skipping ahead equals stepping; equal seeds give equal outcomes.
