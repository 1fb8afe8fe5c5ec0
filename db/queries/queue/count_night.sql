-- What was drawn since an instant, whatever its campaign. @since timestamptz. Returns images, verified, first_at, last_at, batches,
-- signatures. Function drawn_since.
select images, verified, first_at, last_at, batches, signatures from drawn_since(@since)
