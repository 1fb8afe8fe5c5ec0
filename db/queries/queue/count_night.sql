-- What was drawn since an instant, whatever its campaign. @since timestamptz. Returns pictures, verified, first_at, last_at, batches, signatures. Function
-- drawn_since.
select pictures, verified, first_at, last_at, batches, signatures from drawn_since(@since)
